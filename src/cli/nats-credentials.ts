// biome-ignore lint/style/noRestrictedImports: passwords must not be guessable, by a seed or otherwise
import { randomInt } from 'node:crypto'
import * as z from 'zod'
import { apiVersionOf, SECRETS } from '../api/resource.ts'
import { formatObjectKey, type ObjectKey } from '../api/values/object-key.ts'
import { AlreadyExistsError, ConflictError, NotFoundError } from '../kube/errors.ts'
import type { Store } from '../kube/store.ts'

/** One for each user of the message broker. */
const KEYS = ['controller-password', 'agent-password', 'tap-password'] as const

const secretSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).optional(),
})

/** Several replicas make the Secret at once: whoever loses a race looks again. */
const ATTEMPTS = 5

/**
 * Makes the Secret with a password for each user of the message broker, or the passwords that it lacks. What is there
 * is never changed: processes are connected with it.
 * @returns what was done, for people
 * @throws StoreError
 */
export async function ensureNatsCredentials(
  store: Store,
  key: ObjectKey,
  makePassword: () => string = randomPassword,
): Promise<string> {
  const name = `Secret ${formatObjectKey(key)}`
  for (let attempt = 1; ; attempt += 1) {
    try {
      const existing = await read(store, key)
      const missing = KEYS.filter((one) => !existing?.data?.[one])
      if (missing.length === 0) return `${name} is there`
      const data = Object.fromEntries(missing.map((one) => [one, encode(makePassword())]))
      if (existing === undefined) {
        await store.create(SECRETS, {
          apiVersion: apiVersionOf(SECRETS),
          kind: SECRETS.kind,
          metadata: {
            ...key,
            labels: { 'app.kubernetes.io/name': 'managed-dhcp', 'app.kubernetes.io/part-of': 'managed-dhcp' },
          },
          type: 'Opaque',
          data,
        })
        return `${name} was made`
      }
      const { resourceVersion } = existing.metadata
      await store.patch(SECRETS, key, { type: 'merge', body: { metadata: { resourceVersion }, data } })
      return `${name} was completed: ${missing.join(', ')}`
    } catch (error) {
      const isOvertaken = error instanceof AlreadyExistsError || error instanceof ConflictError
      if (!isOvertaken || attempt === ATTEMPTS) throw error
    }
  }
}

async function read(store: Store, key: ObjectKey): Promise<z.infer<typeof secretSchema> | undefined> {
  try {
    return secretSchema.parse(await store.get(SECRETS, key))
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Of 52 letters: 182 bits. */
const LENGTH = 32

/** Letters only: the broker's configuration reads nothing but text into them, and no shell does either. */
function randomPassword(): string {
  return Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('')
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}
