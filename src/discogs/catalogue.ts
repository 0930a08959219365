/** The one list of everything the lake holds. Parquet schemas, DDL, views, checks and the documentation come from it. */
import { artists } from './artists.ts'
import type { Dataset, Dump, DumpName } from './dataset.ts'
import { labels } from './labels.ts'
import { masters } from './masters.ts'
import { releases } from './releases.ts'
import { warehouseTables } from './warehouse.ts'
import { PipelineError } from '../errors.ts'

export const dumps: readonly Dump[] = [artists, labels, masters, releases]

/** All 31 datasets: those of the dumps in their order, then the warehouse tables in build order. */
export const datasets: readonly Dataset[] = [...dumps.flatMap((dump) => dump.datasets), ...warehouseTables]

export function dumpNamed(name: string | undefined): Dump {
  const dump = dumps.find((candidate) => candidate.name === name)
  if (dump === undefined) {
    throw new PipelineError(`there is no dump named ${JSON.stringify(name)}: ${dumps.map((one) => one.name).join(', ')}`, {
      retryable: false,
    })
  }
  return dump
}

/** A view under a name that consumers' SQL already uses. */
export interface CompatibilityView {
  readonly name: string
  readonly of: string
  /** Distinct values of these columns, or all rows and columns when null. */
  readonly distinct: readonly string[] | null
}

export const compatibilityViews: readonly CompatibilityView[] = [
  { name: 'releases_ref_v6', of: 'releases_v6', distinct: null },
  { name: 'labels_ref_v10', of: 'labels_v10', distinct: null },
  { name: 'artists_v1', of: 'artists_v1_typed', distinct: null },
  { name: 'artist_aliases_v1', of: 'artist_aliases_v1_typed', distinct: null },
  { name: 'artist_memberships_v1', of: 'artist_memberships_v1_typed', distinct: null },
  { name: 'masters_v1', of: 'masters_v1_typed', distinct: null },
  {
    name: 'artist_memberships_v1_typed_dedup',
    of: 'artist_memberships_v1_typed',
    distinct: ['group_id', 'group_name', 'member_id', 'member_name'],
  },
  {
    name: 'release_label_xref_v1_dedup',
    of: 'release_label_xref_v1',
    distinct: ['release_id', 'label_name', 'label_norm', 'label_catno', 'label_id'],
  },
]

/** The file of one dump in `$DISCOGS_RAW/<month>/`: `discogs_YYYYMMDD_<dump>.xml.gz`. */
export function isDumpFile(name: string, dump: DumpName, month: string): boolean {
  const match = /^discogs_(\d{4})(\d{2})\d{2}_([a-z]+)\.xml\.gz$/.exec(name)
  return match !== null && `${match[1]}-${match[2]}` === month && match[3] === dump
}

/** A question that every snapshot answers, for help texts. */
export const exampleQuery = 'select country, count(*) as releases from releases_v6 group by 1 order by 2 desc limit 5'
