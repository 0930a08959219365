import assert from 'node:assert/strict'
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import type { Config } from '../../src/config.ts'
import { openStore } from '../../src/scheduler/store.ts'
import { databaseFile } from '../../src/scheduler/store/connection.ts'
import { Lab, lab, runId, statesOf } from './harness.ts'

/** Its second task fails in the first attempt, and later ones unless they find what the first task staged. */
const staging = lab(
  ({ task }) => {
    const written = task('staged')
    task('reader', { script: 'staged', args: ['read'], upstream: [written] })
  },
  undefined,
  true,
)

/** A run that has failed, and settings that name other directories, by the environment or not. */
class Scene extends Lab {
  readonly otherLake = join(this.dir, 'lake2')
  readonly otherRaw = join(this.dir, 'raw2')

  static async failed(): Promise<Scene> {
    const scene = new Scene()
    await scene.trigger(staging)
    return scene
  }

  elsewhere(explicitDirs: Config['explicitDirs']): Config {
    return { ...this.config, lakeDir: this.otherLake, rawDir: this.otherRaw, explicitDirs }
  }

  directories(): readonly (string | null)[] {
    using store = openStore(this.config.stateDir, { readonly: true })
    const { lakeDir, rawDir } = store.run(runId)
    return [lakeDir, rawDir]
  }
}

test('a retry uses the lake and the raw directory that the run began with, when the environment names none', async () => {
  using scene = await Scene.failed()
  const outcome = await scene.retry({ config: scene.elsewhere([]) })
  assert.deepEqual([statesOf(outcome), outcome.tasks[0]?.carriedFrom], [{ staged: 'success', reader: 'success' }, 1])
  assert.deepEqual(scene.directories(), [scene.config.lakeDir, scene.config.rawDir])
  assert.ok(!existsSync(scene.otherLake))
})

test('a retry in another lake, or with another raw directory, is refused and names both', async () => {
  using scene = await Scene.failed()
  const { config, otherLake, otherRaw } = scene
  const refusal = (message: string) => ({ exitCode: 3, message, hint: /--rebind/ })
  await assert.rejects(
    scene.retry({ config: scene.elsewhere(['lakeDir']) }),
    refusal(`run ${runId} belongs to the lake ${config.lakeDir}, but DISCOGS_DATA_LAKE is ${otherLake}`),
  )
  await assert.rejects(
    scene.retry({ config: scene.elsewhere(['rawDir']) }),
    refusal(`run ${runId} belongs to the raw directory ${config.rawDir}, but DISCOGS_RAW is ${otherRaw}`),
  )
  using store = openStore(config.stateDir, { readonly: true })
  assert.equal(store.run(runId).attempt, 1)
})

test('--rebind moves a run to the directories of the settings, where nothing of it can be kept', async () => {
  using scene = await Scene.failed()
  const outcome = await scene.retry({ config: scene.elsewhere(['lakeDir', 'rawDir']), rebind: true })
  assert.deepEqual([statesOf(outcome), outcome.tasks[0]?.carriedFrom], [{ staged: 'success', reader: 'success' }, null])
  assert.deepEqual(scene.directories(), [scene.otherLake, scene.otherRaw])
})

test('a lake that was moved is found by the settings', async () => {
  using scene = await Scene.failed()
  renameSync(scene.config.lakeDir, scene.otherLake)
  const config = { ...scene.elsewhere(['lakeDir']), rawDir: scene.config.rawDir }
  const outcome = await scene.retry({ config })
  assert.deepEqual([outcome.state, outcome.tasks[0]?.carriedFrom], ['success', 1])
  assert.deepEqual(scene.directories(), [scene.otherLake, scene.config.rawDir])
})

test('a run that was recorded without directories goes on with the settings, and belongs to them from then on', async () => {
  using scene = await Scene.failed()
  const database = new Database(databaseFile(scene.config.stateDir))
  database.exec('update run set lake_dir = null, raw_dir = null')
  database.close()
  const outcome = await scene.retry()
  assert.deepEqual([outcome.state, outcome.tasks[0]?.carriedFrom], ['success', 1])
  assert.deepEqual(scene.directories(), [scene.config.lakeDir, scene.config.rawDir])
})
