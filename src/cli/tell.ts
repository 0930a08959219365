/** Whoever wants to know how things stand: notices are delivered, metrics written. */
import type { Config } from '../config.ts'
import { deliverNotices } from '../scheduler/notify.ts'
import type { Store } from '../scheduler/store.ts'
import { writeMetrics } from './metrics.ts'

/** @returns how many notices could not be delivered */
export async function tell({ metricsFile, notify }: Config, store: Store): Promise<number> {
  if (metricsFile !== null) writeMetrics(metricsFile, store)
  if (notify.command === null && notify.webhook === null) return 0
  return await deliverNotices(store.notices, notify, store.now)
}
