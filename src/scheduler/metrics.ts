/** The state as Prometheus reads it: the text format of node_exporter's textfile collector. Pure. */

export interface DagMetrics {
  readonly dag: string
  /** End of the latest success, seconds since 1970; null: none yet. */
  readonly lastSuccess: number | null
  /** Of the latest success. */
  readonly durationSeconds: number | null
  /** Rows of the latest success, by dataset. */
  readonly rows: Readonly<Record<string, number>>
  /** Runs that have failed and have not been mended since. */
  readonly failedRuns: number
  readonly isLastFailed: boolean
  /** Runs that wait for a time, since what a task needs is not there yet. */
  readonly deferredRuns: number
  /** Seconds since 1970; null: no schedule, or paused. */
  readonly nextSlot: number | null
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number | null
}

export function metricsText(dags: readonly DagMetrics[]): string {
  const each = (value: (dag: DagMetrics) => number | null): readonly Sample[] =>
    dags.map((dag) => ({ labels: { dag: dag.dag }, value: value(dag) }))
  const rows = dags.flatMap(({ dag, rows: counts }) =>
    Object.entries(counts).map(([dataset, value]) => ({ labels: { dag, dataset }, value })),
  )
  return [
    family(
      'dag_last_success_timestamp_seconds',
      'When the latest successful run ended.',
      each((dag) => dag.lastSuccess),
    ),
    family(
      'dag_last_success_duration_seconds',
      'How long the latest successful run took.',
      each((dag) => dag.durationSeconds),
    ),
    family('dag_rows', 'Rows that the latest successful run wrote.', rows),
    family(
      'dag_failed_runs',
      'Runs that have failed and were not mended.',
      each((dag) => dag.failedRuns),
    ),
    family(
      'dag_last_run_failed',
      '1 when the latest run that has ended failed.',
      each((dag) => Number(dag.isLastFailed)),
    ),
    family(
      'dag_deferred_runs',
      'Runs that wait since what a task needs is not there yet.',
      each((dag) => dag.deferredRuns),
    ),
    family(
      'dag_next_slot_timestamp_seconds',
      'When the schedule runs the dag next.',
      each((dag) => dag.nextSlot),
    ),
  ].join('')
}

function family(name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.flatMap(({ labels, value }) => (value === null ? [] : [`${name}{${labelsText(labels)}} ${value}\n`]))
  return lines.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')
}
