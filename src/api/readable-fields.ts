import * as z from 'zod'

/**
 * A field of a status, which people can write by hand. What cannot be read counts as absent: it must not take away what
 * the rest says, and the next write puts it right.
 */
export function ifReadable<Schema extends z.ZodType>(schema: Schema) {
  return schema.optional().catch(undefined)
}

/** Without the entries that cannot be read. */
export function readableList<Entry>(schema: z.ZodType<Entry>) {
  return ifReadable(
    z.array(z.unknown()).transform((entries) =>
      entries.flatMap((entry): Entry[] => {
        const parsed = schema.safeParse(entry)
        return parsed.success ? [parsed.data] : []
      }),
    ),
  )
}

/** Without the entries that cannot be read. */
export function readableMap<Entry>(schema: z.ZodType<Entry>) {
  return ifReadable(
    z.record(z.string(), z.unknown()).transform((entries): Record<string, Entry> => {
      const read: [string, Entry][] = []
      for (const [key, entry] of Object.entries(entries)) {
        const parsed = schema.safeParse(entry)
        if (parsed.success) read.push([key, parsed.data])
      }
      return Object.fromEntries(read)
    }),
  )
}
