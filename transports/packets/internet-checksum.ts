/**
 * The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words.
 * Parts are added with `sumWords` (each but the last of even length) and closed with `foldChecksum`.
 */
export function sumWords(bytes: Uint8Array, start = 0, end = bytes.length, sum = 0): number {
  let total = sum
  const evenEnd = end - ((end - start) & 1)
  for (let i = start; i < evenEnd; i += 2) total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)
  if (evenEnd !== end) total += (bytes[evenEnd] ?? 0) << 8
  return total
}

export function foldChecksum(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000)
  return ~folded & 0xffff
}
