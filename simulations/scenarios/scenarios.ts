import { mix } from './mix.ts'
import type { Scenario } from './scenario.ts'

export const SCENARIOS: readonly Scenario[] = [mix]

export class UnknownScenarioError extends Error {
  override readonly name = 'UnknownScenarioError'
  constructor(readonly scenario: string) {
    super(`there is no scenario "${scenario}"; choose one of ${SCENARIOS.map(({ name }) => name).join(', ')}`)
  }
}

/** @throws UnknownScenarioError */
export function findScenario(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name)
  if (found === undefined) throw new UnknownScenarioError(name)
  return found
}
