import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { type LakePromotion, lakePromotions } from '../../lake/lake-ledger.ts'
import { prevLinks } from '../../lake/pointer.ts'
import { readManifest } from '../../lake/manifest.ts'
import { print, printJson, styled, table } from '../output.ts'
import { activeRun, recoverPointerIfPossible } from '../pointer.ts'
import { readStore } from '../runs.ts'
import { examples } from './options.ts'

/** `dag active` */
export function activeCommand(): Command {
  return new Command('active')
    .description('shows what is published, since when and by whom, and what was before')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('dag active', 'dag active --json | jq -r .dir'))
    .action(({ json = false }: { readonly json?: boolean }) => {
      const config = loadConfig()
      recoverPointerIfPossible(config)
      const active = activeRun(config)
      using store = readStore(config)
      const promotions = store.promotions().filter((one) => one.state === 'done')
      const latest = promotions.find((one) => one.toRunId === active.runId) ?? promotionByScript(config.lakeDir, active.runId)
      const previous = prevLinks(config.lakeDir)
      const { params, session } = readManifest(active.dir)
      const dumpMonth = params['dump_month'] ?? null
      if (json) {
        printJson({ ...active, dumpMonth, session, promotion: latest ?? null, previous })
        return
      }
      const facts = [
        ['active', styled('bold', active.runId)],
        ['files', active.dir],
        ['month', `${dumpMonth ?? 'unknown'}, session ${session}`],
        [
          'since',
          latest === undefined
            ? 'not recorded in this state'
            : `${latest.endedAt ?? latest.begunAt}, ${latest.kind} by ${latest.who}`,
        ],
        ...(latest === undefined ? [] : [['why', `${latest.reason} (${latest.verdict})`]]),
      ]
      for (const [name = '', value] of facts) print(`${name.padEnd(8)}${value}`)
      if (previous.length === 0) return
      const links = previous.map((link) => [link.name, link.runId])
      print(`\n${table(['!kept link', '!run'], links)}`)
    })
}

/** The newest promotion of the run that a compiled script made. */
function promotionByScript(lakeDir: string, runId: string): LakePromotion | undefined {
  return lakePromotions(lakeDir).findLast(({ state, toRunId }) => state === 'done' && toRunId === runId)
}
