/** What the documented commands are held to beyond success, and which of them do not run. A new command needs no entry when it exits with 0. */
import type { DocumentPlace } from './place.ts'

/** Commands that no test can run. */
export const excepted: Readonly<Record<string, string>> = {
  'npm test': 'this test is part of it',
  'systemctl --user enable --now dag': 'needs a systemd session of a user',
  'loginctl enable-linger': 'needs a systemd session of a user',
  'dag infra stop': 'other tests use the server; test/infra/trino-server.test.ts stops one of its own',
}

/** Blocks that show no commands, by their first line. */
export const notCommands: Readonly<Record<string, string>> = {
  'task              state      duration  tries   rows': 'the end of what npm start prints',
  '$DISCOGS_RAW/2026-04/discogs_20260401_{artists,labels,masters,releases}.xml.gz': 'names of files',
  'lake/hive-data/_runs/<run_id>/<dataset>/<run_id>-00000.parquet    31 datasets: docs/datasets.md has every column':
    'names of files',
  'lake/hive-data/_meta/discogs_history/run_registry_events/   kpi_snapshot_events/   growth_events/    Parquet, only ever added to':
    'names of files',
}

export interface Expectation {
  /** Default 0. */
  readonly code?: number
  readonly prints?: RegExp
  /** Runs first. */
  readonly before?: string
  /** The command runs until it is interrupted, which happens once it has printed this. */
  readonly interruptAt?: RegExp
  /** Output that the document shows and this test does not ask for, with the reason. */
  readonly ignoresShown?: string
}

/** The program that the document leaves to its reader. */
const firstJava = `cat > First.java <<'END'
import java.sql.*;

class First {
  public static void main(String[] arguments) throws SQLException {
    try (var connection = DriverManager.getConnection(arguments[0], "me", null); var statement = connection.createStatement()) {
      var rows = statement.executeQuery("select l.name, count(distinct x.release_id) as releases from release_label_xref_v1 x join labels_v10 l on l.label_id = x.label_id group by l.name order by releases desc, l.name limit 2");
      while (rows.next()) System.out.println(rows.getString(1) + "\\t" + rows.getLong(2));
    }
  }
}
END`

/** An empty lake and state, for a session that an earlier command has run. */
const elsewhere = (name: string): string => `export DISCOGS_DATA_LAKE=$PWD/lake/${name} DAG_STATE=$PWD/lake/state-${name}`
const isOver = { code: 3, prints: /nothing to|already|not deferred/ } as const

export const expectations: Readonly<Record<string, Expectation>> = {
  'trino --execute "select table_schema, count(*) as relations from information_schema.tables where table_schema like \'discogs%\' group by 1 order by 1"':
    { prints: /discogs_stable +\| +39 /, ignoresShown: 'other test files have schemas of their own on the same server' },
  'dag compile main --format sh --session "2026-04-20 06:00:00" > main.sh && sh main.sh': { before: elsewhere('compiled') },
  'dag trigger main --session "2026-04-20 06:00:00" --param dump_month=2026-04': { before: elsewhere('triggered') },
  // The site of the tests has no dumps of the present month.
  'dag trigger main --param run_mode=prod --param allow_promote=true': { code: 1, prints: /found 4 problem\(s\)/ },
  // It has those of one month of the eight.
  'dag backfill main --from 2025-06 --to 2026-01 --order desc --param run_mode=test': {
    code: 1,
    prints: /2026-01__20260120_060000 +\S+ success/,
  },
  'dag backfill main --from 2025-06 --to 2026-01 --rerun failed': { code: 1, prints: /1 of 7 +retry 2025-06/ },
  'dag schedule --param do_download=true --param run_mode=prod --param allow_promote=true': { interruptAt: /ready/ },
  'dag schedule --print-service --launchd > ~/Library/LaunchAgents/org.discogs-lakehouse.schedule.plist': {
    before: 'mkdir -p ~/Library/LaunchAgents',
  },
  'dag retry 2026-04__20260420_060000': isOver,
  'dag retry latest --replan': isOver,
  'dag retry latest --param quarantine_cap=3': isOver,
  'dag retry latest --task report': {
    before: 'dag trigger main --session "2026-03-20 06:00:00" --param dump_month=2026-03',
  },
  'dag cancel latest': isOver,
  'dag cancel latest ingest.releases --reason "wrong dump"': isOver,
  'dag mark latest download.labels success --reason "fetched by hand"': isOver,
  'dag wake latest': isOver,
  'dag wake 2026-04__20260420_060000 preflight': isOver,
  // The month of the demo is newer, and published.
  'dag promote 2026-04__20260420_060000 --reason "reviewed by Ada"': { code: 3, prints: /--force/ },
  'dag rollback --reason "wrong genres"': { before: 'dag promote 2026-04__20260420_060000 --force' },
  // The dumps of the tests are too small for the id.
  'dag diff 2026-03 2026-04 releases_v6 --key 123': { code: 4, prints: /the nearest is/ },
  'dag state backup backup/scheduler.db': { before: 'mkdir -p backup' },
  'dag state backup backup/scheduler-2026-04.db': { before: 'mkdir -p backup' },
  'dag sql - --json < question.sql': { before: 'echo "select 1 as one" > question.sql', prints: /"one"/ },
  // Without a terminal there is no prompt.
  'dag sql --engine trino --as-of 2026-01': { code: 2, prints: /no terminal for a prompt/ },
  'dag trino sync --drop <run_id>': { code: 3, prints: /hint: / },
  'npm run --silent trino -- start': {
    prints: /Trino \d+ answers at http/,
    ignoresShown: 'the server of the tests runs already',
  },
  'java -cp trino-jdbc-476.jar First.java jdbc:trino://127.0.0.1:41449/hive/discogs': { before: firstJava },
  'trino --execute "select country from release"': { code: 1 },
}

/** Written in a document for what the reader's own system has instead. */
export function substituted(command: string, { rawDir, lakeDir, sourceUrl, trinoUrl }: DocumentPlace): string {
  return command
    .replaceAll(/(http|jdbc:trino):\/\/127\.0\.0\.1:\d+/g, (_, scheme: string) => trinoUrl.replace('http', scheme))
    .replaceAll('https://example.org/mirror/', `${sourceUrl}?download=data%2F2026%2F`)
    .replaceAll('/data/raw', rawDir)
    .replaceAll('/data/hive-data', lakeDir)
    .replaceAll('/home/me/discogs/lake/hive-data', lakeDir)
    .replaceAll('session=…', 'session=1')
    .replaceAll('<run_id>', '2099-01__20990120_060000')
    .replaceAll('<uri>', 'local:///old/hive-data')
}

/** The shown output, wherever it appears: numbers that differ from run to run may, and `…` stands for anything. */
export function shownAs(lines: readonly string[]): RegExp {
  const patterns = lines.map((line) => line.trim()).filter((line) => line !== '')
  const changing = /https?:\/\/127\\\.0\\\.0\\\.1:\d+|\d+\\\.\d s|pid \d+|\d{8}_\d{6}_\d{5}_\w{5}|…/g
  const escaped = patterns.map((line) =>
    line
      .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll(changing, '.*')
      .replaceAll(/\s+/g, '\\s+'),
  )
  return new RegExp(escaped.join('[\\s\\S]*?\\n\\s*'))
}
