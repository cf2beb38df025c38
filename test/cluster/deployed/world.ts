import type { DhcpClient } from '../../../src/lab/clients/client.ts'
import type { Deployment } from './deployment.ts'

/** The MAC address of the documentation's VM. */
export const TEST_VM = 'ca:70:82:e6:84:6e'

/** What the scenarios have in common: one deployment, and the documentation's VM on it. They run in order. */
export interface World {
  readonly system: Deployment
  /** The DHCP client of the documentation's VM, once the first scenario has started it. */
  client: DhcpClient
}
