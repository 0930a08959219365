/** Ignores every wish to end, and has started a process of its own. Its pids stand in `<lake>/<task>.pids`. */
import { spawn } from 'node:child_process'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [lake = '', task = ''] = [process.env['DISCOGS_DATA_LAKE'], process.env['TASK_ID']]
process.on('SIGTERM', () => {})
const helper = spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { stdio: 'ignore' })
mkdirSync(lake, { recursive: true })
const file = join(lake, `${task}.pids`)
writeFileSync(`${file}.part`, `${process.pid} ${helper.pid}`)
renameSync(`${file}.part`, file)
setInterval(() => {}, 1000)
