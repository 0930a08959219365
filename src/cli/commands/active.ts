import { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { prevLinks } from '../../lake/pointer.ts'
import { print, printJson, styled, table } from '../output.ts'
import { activeRun, recoverPointer } from '../pointer.ts'
import { readStore } from '../runs.ts'

/** `dag active` */
export function activeCommand(): Command {
  return new Command('active')
    .description('shows what is published, since when and by whom, and what was before')
    .option('--json', 'print JSON')
    .action(({ json = false }: { readonly json?: boolean }) => {
      const config = loadConfig()
      recoverPointer(config)
      const active = activeRun(config)
      using store = readStore(config)
      const promotions = store.promotions().filter((one) => one.state === 'done')
      const latest = promotions.find((one) => one.toRunId === active.runId)
      const previous = prevLinks(config.lakeDir)
      if (json) {
        printJson({ ...active, promotion: latest ?? null, previous })
        return
      }
      print(`active  ${styled('bold', active.runId)}`)
      print(`        ${active.dir}`)
      if (latest !== undefined)
        print(`        since ${latest.endedAt ?? latest.begunAt}, by ${latest.who}: ${latest.reason} (${latest.verdict})`)
      if (previous.length > 0)
        print(
          `\n${table(
            ['kept link', 'run'],
            previous.map((link) => [link.name, link.runId]),
          )}`,
        )
    })
}
