import { type Plan, planHash } from '../plan.ts'

/** The plan for people and programs; `parsePlan` reads the same without `hash`. */
export function renderJson(plan: Plan): string {
  return `${JSON.stringify({ hash: planHash(plan), ...plan }, null, 2)}\n`
}
