/**
 * Measures downloads against curl: `npm run bench -- download [--size-mb 1000] [--rounds 3]`. A local server sends one file from memory; in
 * turn `dag download` brings it, and `curl -s <url> | tee <file> | sha256sum` does. Prints medians, the ratio, and our memory: of these
 * rounds, and of one and two files at once with and without a compile cache.
 */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { median, runCommand, runShell } from './support/measure.ts'

const names = ['discogs_20260401_releases.xml.gz', 'discogs_20260401_masters.xml.gz'] as const
const checksums = 'discogs_20260401_CHECKSUM.txt'
const block = randomBytes(1 << 20)
block[0] = 0x1f
block[1] = 0x8b

/** The server runs in a process of its own, as the site does. */
async function serve(blocks: number): Promise<never> {
  const hash = createHash('sha256')
  for (let count = 0; count < blocks; count++) hash.update(block)
  const sha256 = hash.digest('hex')
  const text = names.map((name) => `${sha256} ${name}\n`).join('')
  const server = createServer((request, response) => void answer(request, response, { blocks, text }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
  return new Promise(() => {})
}

interface Served {
  readonly blocks: number
  readonly text: string
}

async function answer({ url = '' }: IncomingMessage, response: ServerResponse, { blocks, text }: Served): Promise<void> {
  if (url.includes(checksums)) return void response.end(text)
  if (!names.some((name) => url.includes(name)))
    return void response.end([checksums, ...names].map((one) => `<a href="?download=data%2F2026%2F${one}">${one}</a>`).join('\n'))
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': blocks * block.length })
  for (let count = 0; count < blocks; count++) if (!response.write(block)) await once(response, 'drain')
  response.end()
}

async function measure(port: number, { sizeMb, rounds }: { readonly sizeMb: number; readonly rounds: number }): Promise<void> {
  const url = `http://127.0.0.1:${port}/`
  const ours: number[] = []
  const curl: number[] = []
  let maxRssMb = 0
  // Compiles, once for all rounds.
  await runCommand('exec bin/dag download --month 2026-04 --only releases --dry-run', {
    DISCOGS_SOURCE_URL: url,
    DISCOGS_RAW: tmpdir(),
  })
  for (let round = 0; round < rounds; round++) {
    const directory = mkdtempSync(join(tmpdir(), 'bench-download-'))
    try {
      const file = join(directory, 'file')
      const pipe = `curl -s '${url}?download=data%2F2026%2F${names[0]}' | tee '${file}' | sha256sum && sync '${file}'`
      const theirs = await runShell(pipe)
      rmSync(file)
      const environment = { DISCOGS_SOURCE_URL: url, DISCOGS_RAW: directory }
      const run = await runCommand('exec bin/dag download --month 2026-04 --only releases --json', environment)
      curl.push(theirs.wallMs)
      ours.push(run.wallMs)
      maxRssMb = Math.max(maxRssMb, run.maxRssMb)
      console.log(
        `round ${round + 1}: curl ${rate(sizeMb, theirs.wallMs)}, dag download ${rate(sizeMb, run.wallMs)}, ${Math.round(run.maxRssMb)} MB`,
      )
    } finally {
      rmSync(directory, { recursive: true })
    }
  }
  console.log(`curl | tee | sha256sum   ${rate(sizeMb, median(curl))}`)
  console.log(`dag download             ${rate(sizeMb, median(ours))}, from the start of the process to its end`)
  console.log(
    `ratio ${(median(curl) / median(ours)).toFixed(2)} (at least 0.90), memory ${Math.round(maxRssMb)} MB (at most 120)`,
  )
}

/** The first download after an installation has no compile cache, and compiles in the process that downloads. */
async function measureMemory(port: number): Promise<void> {
  for (const dumps of [['releases'], ['releases', 'masters']])
    for (const cache of ['full', 'empty', 'disabled']) {
      const directory = mkdtempSync(join(tmpdir(), 'bench-download-'))
      try {
        const only = dumps.map((dump) => `--only ${dump}`).join(' ')
        const { maxRssMb } = await runCommand(`exec bin/dag download --month 2026-04 ${only} --json`, {
          DISCOGS_SOURCE_URL: `http://127.0.0.1:${port}/`,
          DISCOGS_RAW: join(directory, 'raw'),
          ...(cache === 'empty' ? { NODE_COMPILE_CACHE: join(directory, 'cache') } : {}),
          ...(cache === 'disabled' ? { NODE_DISABLE_COMPILE_CACHE: '1' } : {}),
        })
        console.log(`${dumps.length} at once, compile cache ${cache}: ${Math.round(maxRssMb)} MB (at most 120)`)
      } finally {
        rmSync(directory, { recursive: true })
      }
    }
}

function rate(sizeMb: number, ms: number): string {
  return `${Math.round((sizeMb * 1000) / ms)} MB/s`
}

const { values } = parseArgs({
  options: {
    'size-mb': { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '3' },
    serve: { type: 'boolean' },
  },
})
const blocks = Math.ceil((Number(values['size-mb']) * 1e6) / block.length)
if (values.serve === true) await serve(blocks)
const server = spawn(process.execPath, [import.meta.filename, '--serve', '--size-mb', values['size-mb']], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  const [port] = (await once(server.stdout, 'data')) as [Buffer]
  await measure(Number(port.toString()), { sizeMb: (blocks * block.length) / 1e6, rounds: Number(values.rounds) })
  await measureMemory(Number(port.toString()))
} finally {
  server.kill()
}
