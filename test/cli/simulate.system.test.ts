import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { SCENARIOS } from '../../simulations/scenarios/scenarios.ts'
import { aPlan } from '../simulations/report/builders.ts'
import { run, start } from './support.ts'

const FOLDER = mkdtempSync(path.join(tmpdir(), 'mdhcp-simulate-'))
afterAll(() => rmSync(FOLDER, { recursive: true }))

function file(name: string, content: unknown): string {
  const full = path.join(FOLDER, name)
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content))
  return full
}

const simulate = (...args: string[]) => run(['simulate', ...args], { NO_COLOR: '1' }, FOLDER)
const SMALL = { ...aPlan({ scenario: 'mix', durationMs: 1000 }), controllers: 1 }
/** The simulator cannot even begin with it: that is a failed run, too. */
const BROKEN = {
  ...SMALL,
  networks: SMALL.networks.map((it) => ({ ...it, cidr: 'nonsense', start: 'nonsense' })),
}

test('--list names every scenario, with a line that says what it is', async () => {
  const { code, stdout, stderr } = await simulate('--list')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const { name, description } of SCENARIOS)
    expect(stdout).toMatch(new RegExp(`^${name} +${description}$`, 'm'))
})

describe('a simulation that breaks no law', () => {
  test('ends with code 0, says how to see it again, and leaves no files', async () => {
    const { code, stdout, stderr } = await simulate('--scenario', 'mix', '--seed', '3')
    expect(code).toBe(0)
    expect(stdout).toContain('--seed 3 --runs 1')
    expect(stdout).toMatch(/^mix +1 +- +\d/m)
    expect(stdout).toContain('no law was violated in 1 run')
    expect(stderr).toMatch(/^simulate: 1\/1 run, none failed/m)
    expect(existsSync(path.join(FOLDER, 'simulation-failures'))).toBe(false)
  })

  test('without --seed the seed is a fresh one, which is printed', async () => {
    const seedOf = async () =>
      /--seed (\d+)/.exec((await simulate('--scenario', 'mix', '--runs', '1')).stdout)?.[1]
    const [first, second] = await Promise.all([seedOf(), seedOf()])
    expect(first).toMatch(/^\d+$/)
    expect(second).not.toBe(first)
  })

  test('--plan replays a plan; --verify runs it twice; --coverage shows what was met', async () => {
    const { code, stdout, stderr } = await simulate('--plan', file('small', SMALL), '--verify', '--coverage')
    expect(code).toBe(0)
    expect(stderr).toMatch(/^simulate: 2\/2 runs/m)
    expect(stdout).toContain('no fault met any state')
    expect(stdout).toContain('no law was violated in 1 run')
  })
})

test('a failed run ends with code 1: shown on the screen, written to files that replay it', async () => {
  const { code, stdout } = await simulate(
    '--plan',
    file('broken', BROKEN),
    '--no-shrink',
    '--out',
    'failures',
  )
  expect(code).toBe(1)
  const base = path.join('failures', `mix-${SMALL.seed}`)
  expect(stdout).toContain('✗ no crash, violated at')
  expect(stdout).toContain(`managed-dhcp simulate --plan ${base}.json`)
  for (const ending of ['txt', 'svg', 'html'])
    expect(existsSync(path.join(FOLDER, `${base}.${ending}`))).toBe(true)
  const written: unknown = JSON.parse(readFileSync(path.join(FOLDER, `${base}.json`), 'utf8'))
  expect(written).toMatchObject({ law: 'no crash', plan: BROKEN })
  expect((await simulate('--plan', `${base}.json`, '--no-shrink')).code).toBe(1)
})

test('Ctrl-C ends it at once, with what was done so far', async () => {
  const program = start(['simulate', '--scenario', 'mix', '--seed', '1', '--runs', '100000', '--jobs', '1'])
  await program.says(/--seed 1 --runs 100000/)
  expect(await program.end('SIGINT')).toBe(130)
  expect(program.stdout()).toMatch(/interrupted after \d+ of 100000 runs/)
})
