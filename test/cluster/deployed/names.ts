export const SYSTEM_NAMESPACE = 'harvester-system'
/** What the documentation's network needs of a node. */
export const NODE_LABELS = { 'network.harvesterhci.io/mgmt': 'true' }
/** The nodes that have it. */
export const NODES = ['node-1', 'node-2']
/** One that has not. */
export const NODE_OUTSIDE = 'node-outside'
