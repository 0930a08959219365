/** The scheduler's state and who works on it. */
import type { Config } from '../../config.ts'
import { messageOf } from '../../errors.ts'
import { schedulerHolder } from '../../scheduler/lease.ts'
import type { Store } from '../../scheduler/store.ts'
import { stateHealth, type StateHealth } from '../../scheduler/store/health.ts'
import { readStore } from '../runs.ts'
import { type Finding, Findings, some } from './finding.ts'

export function examineState(config: Config): readonly Finding[] {
  const findings = new Findings('state')
  const health = healthOf(findings, config.stateDir)
  if (health === null) return findings.list
  examineFile(findings, health)
  if (health.version !== health.knownVersion) return findings.list
  using store = readStore(config)
  examineLease(findings, store)
  return findings.list
}

function healthOf(findings: Findings, stateDir: string): StateHealth | null {
  try {
    const health = stateHealth(stateDir)
    if (health === null) findings.none('integrity', `no state in ${stateDir} yet`, 'the first run makes it')
    return health
  } catch (error) {
    findings.wrong('integrity', `${stateDir}/scheduler.db cannot be read: ${messageOf(error)}`, damagedAdvice)
    return null
  }
}

const damagedAdvice = 'move scheduler.db away, or restore a copy: the lake is whole without it, history of runs is lost'

function examineFile(findings: Findings, { file, problems, version, knownVersion }: StateHealth): void {
  if (problems.length === 0) findings.ok('integrity', file)
  else findings.wrong('integrity', some(problems), damagedAdvice)
  if (version === knownVersion) findings.ok('schema', `version ${version}`)
  else if (version < knownVersion)
    findings.none('schema', `version ${version}, this code writes ${knownVersion}`, 'the next command brings it up to date')
  else
    findings.wrong(
      'schema',
      `version ${version}, this code knows ${knownVersion}`,
      'a newer version wrote it: update this checkout',
    )
}

function examineLease(findings: Findings, store: Store): void {
  const holder = schedulerHolder(store)
  const shown = holder === null ? '' : `pid ${holder.pid} on ${holder.host}, since ${holder.acquiredAt}`
  if (holder?.isAlive === true) findings.ok('scheduler', `at work: ${shown}`)
  else if (holder === null) findings.ok('scheduler', 'none is at work')
  else findings.none('scheduler', `died: ${shown}`, 'the next `dag trigger` or `dag retry` takes over')
  const stopped = holder?.isAlive === true ? [] : store.runningAttempts()
  findings.each('runs', {
    good: 'none was left in mid-air',
    bad: stopped.map(({ runId, attempt }) => `${runId} (attempt ${attempt}) has lost its scheduler`),
    advice: '`dag retry <run>` resumes it',
  })
}
