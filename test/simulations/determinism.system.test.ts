import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { simulate } from '../../simulations/runner/simulate.ts'
import { mix } from '../../simulations/scenarios/mix.ts'
import { builtProgram } from '../e2e/support/build.ts'

const SEEDS = [3, 7, 8]

/** The digests of these seeds as the compiled program has them, in a process of its own. */
async function digestsElsewhere(
  environment: Record<string, string>,
  flags: string[] = [],
): Promise<string[]> {
  const simulations = pathToFileURL(path.join(path.dirname(builtProgram()), '..', 'simulations'))
  const script = `
    const { simulate } = await import('${simulations}/runner/simulate.js')
    const { mix } = await import('${simulations}/scenarios/mix.js')
    for (const seed of ${JSON.stringify(SEEDS)}) console.log((await simulate(mix.plan(seed))).digest)`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, '--input-type=module', '--eval', script],
    { env: { PATH: process.env.PATH, ...environment }, cwd: tmpdir() },
  )
  return stdout.trim().split('\n')
}

test('a seed is the same run in other processes, time zones, languages and surroundings', async () => {
  const here: string[] = []
  for (const seed of SEEDS) here.push((await simulate(mix.plan(seed))).digest)
  expect(await digestsElsewhere({})).toEqual(here)
  const elsewhere = {
    TZ: 'Asia/Kathmandu',
    LANG: 'tr_TR.UTF-8',
    LC_ALL: 'tr_TR.UTF-8',
    NATS_USER: 'nobody',
    HOME: '/',
  }
  expect(await digestsElsewhere(elsewhere, ['--max-old-space-size=300', '--stack-size=800'])).toEqual(here)
}, 300_000)
