import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { simulate } from '../../simulations/runner/simulate.ts'
import { mix } from '../../simulations/scenarios/mix.ts'
import { SCENARIOS } from '../../simulations/scenarios/scenarios.ts'
import { builtProgram } from '../e2e/support/build.ts'

const SEED = 3

/** The digest of each scenario as the compiled program has it, in a process of its own. */
async function digestsElsewhere(
  environment: Record<string, string>,
  flags: string[] = [],
): Promise<Record<string, string>> {
  const simulations = pathToFileURL(path.join(path.dirname(builtProgram()), '..', 'simulations'))
  const script = `
    const { simulate } = await import('${simulations}/runner/simulate.js')
    const { SCENARIOS } = await import('${simulations}/scenarios/scenarios.js')
    for (const { name, plan } of SCENARIOS) console.log(name, (await simulate(plan(${SEED}))).digest)`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, '--input-type=module', '--eval', script],
    { env: { PATH: process.env.PATH, ...environment }, cwd: tmpdir() },
  )
  return Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')),
  )
}

test('a seed is the same run in other processes, time zones, languages and surroundings', async () => {
  const elsewhere = {
    TZ: 'Asia/Kathmandu',
    LANG: 'tr_TR.UTF-8',
    LC_ALL: 'tr_TR.UTF-8',
    NATS_USER: 'nobody',
    HOME: '/',
  }
  const [one, other] = await Promise.all([
    digestsElsewhere({}),
    digestsElsewhere(elsewhere, ['--max-old-space-size=300', '--stack-size=800']),
  ])
  expect(Object.keys(one)).toEqual(SCENARIOS.map(({ name }) => name))
  expect(other).toEqual(one)
  const here = (await simulate(mix.plan(SEED))).digest
  expect(one.mix).toBe(here)
}, 300_000)
