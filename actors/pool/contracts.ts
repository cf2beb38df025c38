import * as z from 'zod'
import { defineCommand, defineEvent, type EventKind } from '../../transports/messages/contract.ts'

/** Who asks: a VirtualMachineNetworkConfig, as of one generation of its spec. */
export const ownerSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  generation: z.number().int(),
})
export type Owner = z.infer<typeof ownerSchema>

const macAddress = z.string().regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
const address = z.ipv4()

export const allocateRequestSchema = z.object({
  macAddress,
  owner: ownerSchema,
  /** Exactly this address, or none. */
  pinnedAddress: address.optional(),
  /** The address that the owner believes to have: given when it is free. */
  hint: address.optional(),
})
export type AllocateRequest = z.infer<typeof allocateRequestSchema>

export const allocateReplySchema = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('allocated'), address }),
  z.object({ outcome: z.literal('refused'), reason: z.string(), message: z.string() }),
])
export type AllocateReply = z.infer<typeof allocateReplySchema>

export const releaseRequestSchema = z.object({ macAddress, owner: ownerSchema })
export type ReleaseRequest = z.infer<typeof releaseRequestSchema>

export const releaseReplySchema = z.discriminatedUnion('outcome', [
  /** Nothing is held for the MAC any more on the owner's behalf. */
  z.object({ outcome: z.literal('released') }),
  /** Somebody asks for it, so it stays. */
  z.object({ outcome: z.literal('still-wanted') }),
  z.object({ outcome: z.literal('refused'), reason: z.string(), message: z.string() }),
])
export type ReleaseReply = z.infer<typeof releaseReplySchema>

/** All that an agent needs to answer DHCP on its network, as of one revision. */
export const poolSnapshotSchema = z.object({
  uid: z.string(),
  revision: z.number().int(),
  generation: z.number().int(),
  namespace: z.string(),
  name: z.string(),
  /** The spec of the IPPool, checked by the agent with the same rules as by the pool actor. */
  spec: z.looseObject({}),
  ntpServers: z.array(address),
  /** Address to MAC address; no marks. */
  leases: z.record(address, macAddress),
})
export type PoolSnapshot = z.infer<typeof poolSnapshotSchema>

export const snapshotReplySchema = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('snapshot'), snapshot: poolSnapshotSchema }),
  z.object({ outcome: z.literal('refused'), reason: z.string(), message: z.string() }),
])
export type SnapshotReply = z.infer<typeof snapshotReplySchema>

/** What changed between two revisions; `null` takes a lease away. */
export const leaseDeltaSchema = z.object({
  uid: z.string(),
  previousRevision: z.number().int(),
  revision: z.number().int(),
  /** Differs from the agent's when the spec changed too: then only a snapshot tells all. */
  generation: z.number().int(),
  leases: z.record(address, macAddress.nullable()),
})
export type LeaseDelta = z.infer<typeof leaseDeltaSchema>

/** A lease that an agent may have acknowledged, that still runs, and of which the IPPool says nothing. */
export const unknownLeaseSchema = z.object({
  address,
  macAddress,
  /** By the agent's clock; agents of earlier releases tell nothing else. */
  until: z.iso.datetime(),
  /** How long it runs still when it is told: of two machines no two clocks agree. */
  remainingMs: z.int().min(0).optional(),
})
export type UnknownLease = z.infer<typeof unknownLeaseSchema>
/** More than so many are not told: an agent gives their addresses to nobody all the same. */
export const MAXIMUM_UNKNOWN_LEASES = 1_000

/** How an agent is doing, told every few seconds and whenever it changes. */
export const agentReportSchema = z.object({
  uid: z.string(),
  revision: z.number().int(),
  serving: z.boolean(),
  reason: z.string().optional(),
  message: z.string().optional(),
  /** After the API went back to an old backup. */
  unknownLeases: z.array(unknownLeaseSchema).max(MAXIMUM_UNKNOWN_LEASES).optional(),
  pod: z.object({ namespace: z.string(), name: z.string(), uid: z.string().optional() }),
})
export type AgentReport = z.infer<typeof agentReportSchema>

const emptySchema = z.object({})

export const poolCommands = {
  allocate: defineCommand({
    name: 'pool.allocate',
    version: 1,
    request: allocateRequestSchema,
    reply: allocateReplySchema,
  }),
  release: defineCommand({
    name: 'pool.release',
    version: 1,
    request: releaseRequestSchema,
    reply: releaseReplySchema,
  }),
  snapshot: defineCommand({
    name: 'pool.snapshot',
    version: 1,
    request: emptySchema,
    reply: snapshotReplySchema,
  }),
  agentReport: defineCommand({
    name: 'pool.agent-report',
    version: 1,
    request: agentReportSchema,
    reply: emptySchema,
  }),
}

/** What a tap sees of a pool's decisions; agents live by the deltas. */
export const poolEvents = {
  delta: defineEvent({ name: 'pool.delta', version: 1, body: leaseDeltaSchema }),
  'lease-allocated': defineEvent({
    name: 'pool.lease-allocated',
    version: 1,
    body: z.object({ address, macAddress, owner: ownerSchema }),
  }),
  'lease-released': defineEvent({
    name: 'pool.lease-released',
    version: 1,
    body: z.object({ address, macAddress, restsUntil: z.string().optional() }),
  }),
  'allocation-refused': defineEvent({
    name: 'pool.allocation-refused',
    version: 1,
    body: z.object({ macAddress, owner: ownerSchema, reason: z.string(), message: z.string() }),
  }),
}

type BodyOf<Kind> = Kind extends EventKind<infer Body> ? Body : never

export type PoolEvent = {
  [Type in keyof typeof poolEvents]: { type: Type; body: BodyOf<(typeof poolEvents)[Type]> }
}[keyof typeof poolEvents]

/** Who shall ask again: those without an address, or also those who believe to have one. */
export type NudgeScope = 'waiting' | 'all'
