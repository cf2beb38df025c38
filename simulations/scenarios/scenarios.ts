import { agentRestarts } from './agent-restarts.ts'
import { apiTrouble } from './api-trouble.ts'
import { badClocks } from './bad-clocks.ts'
import { bootStorm } from './boot-storm.ts'
import { controlPlaneDark } from './control-plane-dark.ts'
import { crashPoints } from './crash-points.ts'
import { handEdits } from './hand-edits.ts'
import { hostileNetwork } from './hostile-network.ts'
import { macCollision } from './mac-collision.ts'
import { massMigration } from './mass-migration.ts'
import { mix } from './mix.ts'
import { natsFlapping } from './nats-flapping.ts'
import { nodeLoss } from './node-loss.ts'
import { poolEditUnderLoad } from './pool-edit-under-load.ts'
import { rollingUpgrade } from './rolling-upgrade.ts'
import { scarceAddresses } from './scarce-addresses.ts'
import type { Scenario } from './scenario.ts'
import { splitBrain } from './split-brain.ts'
import { stubbornGuests } from './stubborn-guests.ts'
import { vmChurn } from './vm-churn.ts'

export const SCENARIOS: readonly Scenario[] = [
  mix,
  bootStorm,
  rollingUpgrade,
  controlPlaneDark,
  natsFlapping,
  splitBrain,
  nodeLoss,
  poolEditUnderLoad,
  macCollision,
  massMigration,
  vmChurn,
  scarceAddresses,
  stubbornGuests,
  agentRestarts,
  apiTrouble,
  badClocks,
  hostileNetwork,
  handEdits,
  crashPoints,
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
