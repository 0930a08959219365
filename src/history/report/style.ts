/** The page's style sheet. Hues are those of Okabe and Ito, told apart by every kind of colour vision. */
export const style = `
:root{color-scheme:light dark;
--page:#f7f7f5;--card:#fff;--ink:#1b1d21;--muted:#5c6470;--grid:#e3e5e8;--line:#dfe1e5;--track:#eef0f2;--rest:#8b939e;
--releases:#0067a3;--masters:#b84f00;--artists:#00795a;--labels:#a84a82;--added:#0067a3;--removed:#cf6a1d;
--good:#00694c;--warn:#8a5300;--bad:#b3261e;--chip:#e6f0f7;--chip-ink:#084c75;--link:#005a8f;--hover:#1b1d2114;--shade:#1b1d2138}
@media (prefers-color-scheme:dark){:root{
--page:#131519;--card:#1b1e24;--ink:#e9ebee;--muted:#a3abb8;--grid:#30353d;--line:#30353d;--track:#282d35;--rest:#7d8591;
--releases:#5ab4e8;--masters:#f0a04b;--artists:#3cc9a0;--labels:#e09ac4;--added:#5ab4e8;--removed:#f0a04b;
--good:#55d0a8;--warn:#f0b45c;--bad:#ff8f85;--chip:#1e3445;--chip-ink:#a9d8f5;--link:#8ecbf0;--hover:#e9ebee1c;--shade:#000000a8}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;
overflow-wrap:break-word}
main,header,footer{max-width:1180px;margin:0 auto;padding:0 16px}
header{padding-top:36px}
h1{font-size:clamp(26px,5vw,36px);line-height:1.15;letter-spacing:-.02em;margin:0 0 6px}
h2{font-size:21px;letter-spacing:-.01em;line-height:1.25;margin:48px 0 4px}
h3{font-size:15px;line-height:1.3;margin:0 0 8px}
p{margin:0 0 12px;max-width:88ch}
.note,figcaption,footer,.sub{color:var(--muted);font-size:14px}
footer{padding:40px 16px 48px}
a{color:var(--link);text-underline-offset:3px;text-decoration-thickness:1px}
a:hover{text-decoration-thickness:2px}
a:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
.toc{display:flex;flex-wrap:wrap;gap:4px 18px;margin:10px 0 0;font-size:15px}
.months .card{margin-top:12px}
.year{display:grid;grid-template-columns:52px repeat(12,minmax(0,1fr));gap:2px;align-items:center;font-size:14px;max-width:760px}
.year a,.year span{text-align:center;padding:4px 0;border-radius:7px}
.year a{text-decoration:none;background:var(--chip);color:var(--chip-ink)}
.year a:hover{text-decoration:underline}
.year span{color:var(--muted)}
.year+.year{margin-top:2px}
.months details .year:first-of-type{margin-top:8px}
.files{list-style:none;padding:4px 16px;margin:14px 0 0;font-size:14px}
.files li{display:grid;grid-template-columns:minmax(0,250px) 1fr;gap:2px 16px;padding:7px 0;border-bottom:1px solid var(--line)}
.files li:last-child{border-bottom:0}
.files span{color:var(--muted)}
code{font:.92em ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;overflow-wrap:anywhere;display:inline-block;max-width:100%}
.grid{display:grid;gap:14px;grid-template-columns:repeat(auto-fit,minmax(min(100%,262px),1fr));margin-top:14px}
.wide{grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr))}
.pair{grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));row-gap:0}
.four{grid-template-columns:repeat(auto-fit,minmax(min(100%,250px),1fr))}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px;margin:0;min-width:0}
.tile{border-top:4px solid var(--accent)}
.tile .label{color:var(--muted);font-size:14px}
.tile .big{font-size:28px;font-weight:650;letter-spacing:-.02em;line-height:1.25;font-variant-numeric:tabular-nums;white-space:nowrap}
.tile .delta{font-size:14px;font-variant-numeric:tabular-nums}
.releases{--accent:var(--releases)}.masters{--accent:var(--masters)}.artists{--accent:var(--artists)}.labels{--accent:var(--labels)}
svg{display:block;width:100%;max-width:420px;height:auto;font-family:inherit;font-variant-numeric:tabular-nums}
.spot rect{fill:transparent}
.spot text{display:none;fill:var(--ink)}
.spot:hover rect{fill:var(--hover)}
.spot:hover text{display:block}
.row .back{fill:transparent}
.row:hover .back{fill:var(--hover)}
.chips{display:flex;flex-wrap:wrap;gap:6px;padding:0;margin:0;list-style:none}
.chips li{background:var(--chip);color:var(--chip-ink);border-radius:999px;padding:2px 11px;font-size:14px;max-width:100%}
.chips a{color:inherit}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:12px;margin-top:14px;background-color:var(--card);
background-image:linear-gradient(to right,var(--card) 40%,transparent),linear-gradient(to left,var(--card) 40%,transparent),linear-gradient(to right,var(--shade),transparent),linear-gradient(to left,var(--shade),transparent);
background-position:left,right,left,right;background-size:44px 100%,44px 100%,16px 100%,16px 100%;background-repeat:no-repeat;background-attachment:local,local,scroll,scroll}
.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--releases);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);font-size:14px;padding:10px 14px 2px}
th,td{text-align:left;padding:8px 14px;border-bottom:1px solid var(--line);vertical-align:top}
tbody tr:last-child>*{border-bottom:0}
thead th{color:var(--muted);font-weight:600;white-space:nowrap}
tbody th{font-weight:600}
.n{text-align:right;white-space:nowrap}
.nowrap{white-space:nowrap}
td svg{width:120px}
.reason{min-width:220px}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:8px 0 0;padding:0;list-style:none;font-size:14px;color:var(--muted)}
.legend li::before{content:"";display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:7px;background:var(--accent)}
.legend .plain::before{display:none}
.added{--accent:var(--added)}.removed{--accent:var(--removed)}
details{margin-top:10px;font-size:14px}
summary{cursor:pointer;color:var(--muted);width:max-content;max-width:100%}
details .scroll{max-height:320px;overflow:auto;margin-top:8px;border-radius:8px}
details th,details td{padding:5px 10px}
.empty{background:var(--card);border:1px dashed var(--line);border-radius:12px;padding:18px;color:var(--muted);margin-top:14px}
@media (max-width:480px){th,td{padding:7px 6px}th:first-child,td:first-child{padding-left:9px}caption{padding:10px 9px 2px}table{font-size:13px}.card{padding:14px}td svg{width:72px}
.year{grid-template-columns:repeat(6,minmax(0,1fr));margin-bottom:8px}.year b{grid-column:1/-1}.files li{grid-template-columns:1fr}}
@media print{nav{display:none}.card,.scroll{break-inside:avoid}details{display:none}}
`
