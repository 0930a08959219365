/** What systemd and launchd want to know of `dag schedule`. Pure. */

export interface Service {
  readonly projectDir: string
  /** Program first. */
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Where launchd puts its output; systemd has a journal. */
  readonly logFile: string
}

/** A unit for `systemctl --user`, or for the system when root installs it. */
export function systemdUnit({ projectDir, command, environment }: Service): string {
  const variables = Object.entries(environment).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`)
  return `[Unit]
Description=Schedules of the Discogs lakehouse
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
NotifyAccess=all
WorkingDirectory=${escaped(projectDir)}
${variables.join('\n')}
ExecStart=${command.map((word) => quoted(word).replaceAll('$', '$$$$')).join(' ')}
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2 5
# The daemon stops its run itself; what is left after that is killed.
KillMode=mixed
TimeoutStopSec=60

[Install]
WantedBy=default.target
`
}

/** systemd.syntax(7): quotes and backslashes are escaped, `%` begins a specifier. Of a command alone (systemd.service(5)) `$` begins a variable. */
function quoted(text: string): string {
  return `"${escaped(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

function escaped(text: string): string {
  return text.replaceAll('%', '%%')
}

export const launchdLabel = 'org.discogs-lakehouse.schedule'

/** A property list for `~/Library/LaunchAgents`. */
export function launchdPlist({ projectDir, command, environment, logFile }: Service): string {
  const variables = Object.entries(environment).flatMap(([name, value]) => [`<key>${xml(name)}</key>`, string(value)])
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  ${string(launchdLabel)}
  <key>ProgramArguments</key>
  <array>
    ${command.map(string).join('\n    ')}
  </array>
  <key>WorkingDirectory</key>
  ${string(projectDir)}
  <key>EnvironmentVariables</key>
  <dict>
    ${variables.join('\n    ')}
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ExitTimeOut</key>
  <integer>60</integer>
  <key>StandardOutPath</key>
  ${string(logFile)}
  <key>StandardErrorPath</key>
  ${string(logFile)}
</dict>
</plist>
`
}

function string(text: string): string {
  return `<string>${xml(text)}</string>`
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
