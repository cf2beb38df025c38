import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { ApiError } from '../status.ts'

export class InsecureListenError extends Error {
  override readonly name = 'InsecureListenError'
  constructor(readonly host: string) {
    super(`the embedded API listens on ${host} only with a bearer token; without one, on loopback only`)
  }
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?|\[?::ffff:127(\.\d{1,3}){3}\]?)$/

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}

const PROBES = ['/healthz', '/livez', '/readyz']

/**
 * With a token: only who knows it gets in. Without: only who came by a loopback name, so that a web page
 * whose name was made to point here (DNS rebinding) does not.
 * @throws ApiError 401, 403
 */
export function checkAccess(request: FastifyRequest, token: string | undefined): void {
  if (token !== undefined) {
    const path = request.url.split('?')[0] ?? ''
    if (PROBES.includes(path)) return
    const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (given === undefined || !sameSecret(given, token)) {
      throw new ApiError(401, 'Unauthorized', 'Unauthorized')
    }
  } else if (!isLoopback(request.hostname)) {
    throw new ApiError(403, 'Forbidden', `the host "${request.hostname}" is not a loopback name`)
  }
}

function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
