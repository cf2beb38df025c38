import { bootStorm } from './boot-storm.ts'
import { controlPlaneDark } from './control-plane-dark.ts'
import { mix } from './mix.ts'
import { natsFlapping } from './nats-flapping.ts'
import { rollingUpgrade } from './rolling-upgrade.ts'
import type { Scenario } from './scenario.ts'
import { splitBrain } from './split-brain.ts'

export const SCENARIOS: readonly Scenario[] = [
  mix,
  bootStorm,
  rollingUpgrade,
  controlPlaneDark,
  natsFlapping,
  splitBrain,
]

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
