import { afterAll, beforeAll } from 'vitest'
import type { DhcpClient } from '../../../src/lab/clients/client.ts'
import { showLogsOnFailure } from '../kubelet/report-on-failure.ts'
import { type Deployment, deploy, leave } from './deployment.ts'
import { emptyCluster } from './empty-cluster.ts'
import { NODE_OUTSIDE } from './names.ts'
import { describeEdits } from './scenarios/edits.ts'
import { describeFailures } from './scenarios/failures.ts'
import { describeFirstLease } from './scenarios/first-lease.ts'
import { describePlacement } from './scenarios/placement.ts'
import { describeRefusals } from './scenarios/refusals.ts'
import { describeRights } from './scenarios/rights.ts'
import { describeUninstall } from './scenarios/uninstall.ts'
import { describeUpgrade } from './scenarios/upgrade.ts'
import { describeVmChanges } from './scenarios/vm-changes.ts'
import type { World } from './world.ts'

let system: Deployment | undefined
let client: DhcpClient | undefined

const world: World = {
  get system() {
    if (system === undefined) throw new Error('nothing is deployed yet')
    return system
  },
  get client() {
    if (client === undefined) throw new Error('the VM has no DHCP client yet')
    return client
  },
  set client(started) {
    client = started
  },
}

beforeAll(async () => {
  await emptyCluster()
  system = await deploy()
  await system.kubelets.startNode({ name: NODE_OUTSIDE })
})
afterAll(async () => {
  await client?.stop()
  if (system !== undefined) await leave(system)
})
showLogsOnFailure(() => system?.kubelets)

describeFirstLease(world)
describeRefusals(world)
describeEdits(world)
describePlacement(world)
describeVmChanges(world)
describeFailures(world)
describeUpgrade(world)
describeRights(world)
describeUninstall(world)
