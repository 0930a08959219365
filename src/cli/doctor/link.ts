/** What is published, and the links that keep what was. */
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { messageOf, PipelineError } from '../../errors.ts'
import { prevLinkPrefix, runDir, runIdOfTarget } from '../../lake/layout.ts'
import { readManifest } from '../../lake/manifest.ts'
import { newLinks, resolveActive } from '../../lake/pointer.ts'
import { isReadable } from '../../scheduler/store/health.ts'
import { readStore } from '../runs.ts'
import { type Finding, Findings, plural } from './finding.ts'

export function examineLink(config: Config): readonly Finding[] {
  const findings = new Findings('link')
  examineActive(findings, config)
  examinePrevious(findings, config)
  examineUnfinished(findings, config)
  return findings.list
}

function examineActive(findings: Findings, { lakeDir }: Config): void {
  try {
    const active = resolveActive(lakeDir)
    if (active === null) findings.none('active', 'nothing is published', '`npm start`, or `dag promote <run>`')
    else {
      readManifest(active.dir)
      findings.ok('active', active.runId)
    }
  } catch (error) {
    const hint = error instanceof PipelineError ? error.hint : undefined
    findings.wrong('active', messageOf(error), hint ?? '`dag promote <run>` publishes another run')
  }
}

function examinePrevious(findings: Findings, { lakeDir }: Config): void {
  const names = existsSync(lakeDir) ? readdirSync(lakeDir).filter((name) => name.startsWith(prevLinkPrefix)) : []
  if (names.length === 0) return findings.none('previous', 'no run was replaced yet')
  findings.each('previous', {
    good: `${plural(names.length, 'link')}, all to sealed runs`,
    bad: names.flatMap((name) => prevProblem(lakeDir, name)),
    advice: `remove the link in ${lakeDir}: it keeps nothing`,
  })
}

function prevProblem(lakeDir: string, name: string): string[] {
  try {
    const target = readlinkSync(join(lakeDir, name))
    const runId = runIdOfTarget(target)
    if (runId === null) return [`${name} points at ${target}, expected _runs/<run_id>`]
    return existsSync(runDir(lakeDir, runId)) ? [] : [`${name} points at ${target}, which does not exist`]
  } catch {
    return [`${name} is no link`]
  }
}

function examineUnfinished(findings: Findings, config: Config): void {
  if (!isReadable(config.stateDir)) return findings.none('promotions', 'the state cannot be read as it is')
  using store = readStore(config)
  const begun = store.begunPromotions().map(({ kind, toRunId }) => `${kind} of ${toRunId}`)
  findings.each('promotions', {
    good: 'none is unfinished',
    bad: [...begun, ...newLinks(config.lakeDir).map((name) => `${name} of a killed process`)],
    advice: '`dag active` finishes or undoes it; a link is removed by the next promotion',
  })
}
