import * as z from 'zod'
import { defineEvent } from '../../transports/messages/contract.ts'

/** What became of one DHCP message; `type` is the last token of the subject. */
export const dhcpEventSchema = z.object({
  type: z.enum(['offer', 'ack', 'nak', 'ignored', 'malformed']),
  macAddress: z.string().optional(),
  address: z.string().optional(),
  /** RFC 2131 §4.4, figure 5. */
  clientState: z.string().optional(),
  /** Of the client's message, in hexadecimal. */
  transactionId: z.string().optional(),
  /** Why a message was refused or not answered. */
  reason: z.string().optional(),
})
export type DhcpEvent = z.infer<typeof dhcpEventSchema>

export const dhcpEvent = defineEvent({ name: 'dhcp', version: 1, body: dhcpEventSchema })
