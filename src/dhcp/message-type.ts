/**
 * RFC 2132 §9.6 and what IANA added since (RFC 3203, 4388, 6926, 7724): the name of type n stands at n - 1.
 * The later ones are listed so that they are told apart from garbage.
 */
export const MESSAGE_TYPES = [
  'DISCOVER',
  'OFFER',
  'REQUEST',
  'DECLINE',
  'ACK',
  'NAK',
  'RELEASE',
  'INFORM',
  'FORCERENEW',
  'LEASEQUERY',
  'LEASEUNASSIGNED',
  'LEASEUNKNOWN',
  'LEASEACTIVE',
  'BULKLEASEQUERY',
  'LEASEQUERYDONE',
  'ACTIVELEASEQUERY',
  'LEASEQUERYSTATUS',
  'TLS',
] as const

export type MessageType = (typeof MESSAGE_TYPES)[number]
