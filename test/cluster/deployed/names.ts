export const SYSTEM_NAMESPACE = 'harvester-system'
/** What the documentation's network needs of a node. */
export const NODE_LABELS = { 'network.harvesterhci.io/mgmt': 'true' }
