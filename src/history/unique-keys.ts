/** What the checks before the seal have proved of keys: it need not be counted again. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { datasets } from '../discogs/catalogue.ts'
import { reportsDir } from '../lake/layout.ts'

/**
 * Datasets of a sealed run of which `check.keys` has found that no key stands on two rows. The check counts, as the KPI does, and a sealed
 * file does not change; what the key of a dataset is belongs to the version in its name. None where the report is missing or says anything else.
 */
export function uniqueKeys(directory: string): ReadonlySet<string> {
  const proved = new Set(readResults(join(reportsDir(directory), 'check_keys.json')).flatMap(provedBy))
  return new Set(datasets.flatMap(({ name, key }) => (key.length > 0 && proved.has(`keys.unique.${name}`) ? [name] : [])))
}

function provedBy(result: unknown): readonly string[] {
  if (typeof result !== 'object' || result === null) return []
  const { check_name: name, ok, value } = result as Readonly<Record<string, unknown>>
  return typeof name === 'string' && ok === true && value === '0' ? [name] : []
}

function readResults(file: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Array.isArray(parsed) ? parsed : []
  } catch {
    return []
  }
}
