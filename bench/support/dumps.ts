/** Dumps of a given size, made once. */
import { existsSync, globSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { generateDump } from '../../src/demo/generate.ts'
import type { DumpName } from '../../src/discogs/dataset.ts'
import { amplify } from '../amplify.ts'

/** How large the dumps are beside that of releases, about as in a real month. */
export const shares: Readonly<Record<DumpName, number>> = { releases: 1, artists: 1 / 8, masters: 1 / 10, labels: 1 / 20 }

export const month = '2026-04'

/**
 * @param from a directory of dumps to amplify, null for generated ones
 * @returns the directory for DISCOGS_RAW
 */
export async function makeDumps(names: readonly DumpName[], megabytes: number, from: string | null): Promise<string> {
  const raw = join(tmpdir(), 'bench-ingest', `${from === null ? 'generated' : basename(from)}-${megabytes}`)
  mkdirSync(join(raw, month), { recursive: true })
  for (const name of names) {
    const path = dumpPath(raw, name)
    if (existsSync(path)) continue
    const size = Math.max(1, Math.round(megabytes * shares[name]))
    console.error(`making ${size} MB of ${name}`)
    if (from === null) await generateDump({ path: `${path}.part`, dump: name, until: { xmlBytes: size * 1e6 } })
    else await amplify(sourceOf(from, name), `${path}.part`, size)
    renameSync(`${path}.part`, path)
  }
  return raw
}

export function dumpPath(raw: string, name: DumpName): string {
  return join(raw, month, `discogs_${month.replace('-', '')}01_${name}.xml.gz`)
}

function sourceOf(from: string, name: DumpName): string {
  if (statSync(from).isFile()) return from
  const [file] = globSync(join(from, `*_${name}.xml.gz`))
  if (file === undefined) throw new Error(`${from} holds no dump of ${name}`)
  return file
}
