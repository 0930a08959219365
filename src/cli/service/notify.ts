/** Telling systemd how it is, by its own tool: node has no datagram sockets of the file system. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { messageOf } from '../../errors.ts'

/** @param state such as `READY=1` (sd_notify(3)). A failure is told on stderr: the service itself is well. */
export async function tellServiceManager(state: string): Promise<void> {
  try {
    await promisify(execFile)('systemd-notify', [state])
  } catch (error) {
    process.stderr.write(`systemd-notify ${state}: ${messageOf(error)}\n`)
  }
}
