import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { PlanFileError, readPlan, readRegressions } from '../../../simulations/runner/plan-files.ts'
import { aPlan } from '../report/builders.ts'

const FOLDER = mkdtempSync(path.join(tmpdir(), 'mdhcp-plans-'))
afterAll(() => rmSync(FOLDER, { recursive: true }))

function file(name: string, content: unknown): string {
  const full = path.join(FOLDER, name)
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content))
  return full
}

const regression = (title: string) => ({ title, law: 'one holder', plan: aPlan() })

describe('a plan is read', () => {
  test('as it is, and out of a counterexample', () => {
    expect(readPlan(file('plan', aPlan()))).toEqual(aPlan())
    expect(readPlan(file('counterexample', regression('two VMs get one address')))).toEqual(aPlan())
  })

  test.each([
    ['missing', path.join(FOLDER, 'missing'), /missing is no plan that can be replayed: ENOENT/],
    ['no JSON', file('text', 'hello'), /text is no plan .*JSON/],
    ['of another version', file('version', { ...aPlan(), version: 2 }), /version: /],
    ['half a plan', file('half', { ...aPlan(), durationMs: undefined }), /durationMs: /],
    [
      'with a fault that is none',
      file('fault', { ...aPlan(), faults: [{ type: 'x', at: 0 }] }),
      /faults\.0\.type: /,
    ],
    ['a counterexample without a law', file('law', { plan: aPlan(), title: 'x' }), /law: /],
  ])('not when it is %s: the line says what is wrong', (_what, name, line) => {
    expect(() => readPlan(name)).toThrow(line)
    expect(() => readPlan(name)).toThrow(PlanFileError)
  })
})

test('regressions are read in the order of their names; other files are left alone', () => {
  file('b.json', regression('second'))
  file('a.json', regression('first'))
  expect(readRegressions(FOLDER).map(({ title }) => title)).toEqual(['first', 'second'])
})
