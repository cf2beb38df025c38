import * as z from 'zod'
import { defineEvent, type EventKind } from '../../transports/messages/contract.ts'

const nic = { macAddress: z.string(), network: z.string() }

/** What a tap sees of a VM's decisions. */
export const vmEvents = {
  'config-written': defineEvent({
    name: 'vm.config-written',
    version: 1,
    body: z.object({ networks: z.array(z.object({ ...nic, pinnedAddress: z.string().optional() })) }),
  }),
  'address-assigned': defineEvent({
    name: 'vm.address-assigned',
    version: 1,
    body: z.object({ ...nic, address: z.string() }),
  }),
  'address-pending': defineEvent({
    name: 'vm.address-pending',
    version: 1,
    body: z.object({ ...nic, reason: z.string(), message: z.string() }),
  }),
  'address-returned': defineEvent({
    name: 'vm.address-returned',
    version: 1,
    body: z.object({ ...nic, address: z.string().optional() }),
  }),
}

type BodyOf<Kind> = Kind extends EventKind<infer Body> ? Body : never

export type VmEvent = {
  [Type in keyof typeof vmEvents]: { type: Type; body: BodyOf<(typeof vmEvents)[Type]> }
}[keyof typeof vmEvents]
