import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https'
import { type Duration, seconds } from '../api/values/time.ts'
import type { Clock } from '../runtime/clock.ts'
import { NotLeadingError, StoreError, ThrottledError, UnavailableError } from './errors.ts'
import type { ApiServer } from './kubeconfig.ts'
import { type RateLimit, RateLimiter } from './rate-limiter.ts'
import { errorOf } from './status-error.ts'

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: { readonly contentType: string; readonly json: unknown }
  /** Asked as the request leaves: it may have waited for its turn. */
  readonly mayLeave?: (() => boolean) | undefined
}

export interface ApiConnectionOptions {
  server: ApiServer
  clock: Clock
  requestTimeout: Duration
  rateLimit: RateLimit
  userAgent: string
}

/** A page of 500 pools of the largest size that etcd takes would be larger; no real page comes near. */
const LONGEST_BODY = 256 * 1024 * 1024
/** Sockets are dropped after less idle time than any usual load balancer allows them. */
const IDLE_SOCKET = seconds(50)
/** For how long one answer may hold up all requests; who was refused waits for as long as it was told. */
const LONGEST_PAUSE = 10

/**
 * HTTP requests to one API server, over connections that are kept.
 * Every method rejects with a StoreError and never with anything else.
 */
export class ApiConnection {
  readonly #options: ApiConnectionOptions
  readonly #limiter: RateLimiter
  readonly #agent: HttpAgent
  readonly #open = new Set<AbortController>()
  #isClosed = false

  constructor(options: ApiConnectionOptions) {
    this.#options = options
    this.#limiter = new RateLimiter(options.rateLimit, options.clock)
    const agentOptions = { keepAlive: true, timeout: IDLE_SOCKET }
    const isTls = options.server.url.protocol === 'https:'
    this.#agent = isTls ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions)
  }

  /** The JSON of a 2xx answer. */
  async json(request: ApiRequest): Promise<unknown> {
    const { clock, requestTimeout } = this.#options
    return this.#exchange(request, new AbortController(), async (controller) => {
      const cancel = clock.after(requestTimeout, () => controller.abort(timedOut(requestTimeout)))
      try {
        const response = await this.#send(request, controller.signal)
        return parseJson(response.statusCode ?? 0, await readText(response))
      } finally {
        cancel()
      }
    })
  }

  /**
   * Hands the body of a 2xx answer to `read` as it comes; when `read` returns, or `controller` aborts, the connection is
   * given up. The request time-out applies to the head of the answer only.
   */
  async stream(
    request: ApiRequest,
    controller: AbortController,
    read: (body: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<void> {
    const { clock, requestTimeout } = this.#options
    await this.#exchange(request, controller, async () => {
      const cancel = clock.after(requestTimeout, () => controller.abort(timedOut(requestTimeout)))
      let response: IncomingMessage
      try {
        response = await this.#send(request, controller.signal)
      } finally {
        cancel()
      }
      response.socket.setKeepAlive(true, seconds(30))
      try {
        await read(response)
      } finally {
        response.destroy()
      }
    })
  }

  /** Gives up what is under way. */
  close(): void {
    this.#isClosed = true
    for (const controller of this.#open) controller.abort(closed())
    this.#agent.destroy()
  }

  async #exchange<T>(
    request: ApiRequest,
    controller: AbortController,
    run: (controller: AbortController) => Promise<T>,
  ): Promise<T> {
    this.#open.add(controller)
    try {
      await this.#limiter.take()
      if (this.#isClosed) throw closed()
      return await run(controller)
    } catch (error) {
      throw toStoreError(request, controller.signal.aborted ? controller.signal.reason : error)
    } finally {
      this.#open.delete(controller)
    }
  }

  /** @returns a 2xx answer whose body is still to be read @throws StoreError for any other answer */
  async #send(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#head(request, signal)
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return response
    const text = await readText(response)
    const error = errorOf({
      code: status,
      body: jsonOrText(text),
      retryAfter: response.headers['retry-after'],
    })
    // The server's fairness knows clients, not requests, and a server that is starting or stopping neither: what comes
    // next would be refused as well.
    if (error instanceof ThrottledError) {
      this.#limiter.pause(seconds(Math.min(error.retryAfterSeconds ?? 0, LONGEST_PAUSE)))
    }
    throw error
  }

  async #head(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const body = request.body === undefined ? undefined : JSON.stringify(request.body.json)
    const options = await this.#requestOptions(request, body)
    if (request.mayLeave?.() === false) throw new NotLeadingError()
    try {
      return await this.#headOnce(options, body, signal)
    } catch (error) {
      // The server may close a kept connection just as it is used again; reading twice does no harm.
      if (request.method === 'GET' && error instanceof StaleSocketError && !signal.aborted) {
        return this.#headOnce(options, body, signal)
      }
      throw error
    }
  }

  #headOnce(
    options: RequestOptions,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { url } = this.#options.server
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, resolve)
      request.on('error', (cause) => {
        reject(request.reusedSocket ? new StaleSocketError(cause.message, { cause }) : cause)
      })
      signal.addEventListener('abort', () => request.destroy(), { once: true })
      request.end(body)
    })
  }

  async #requestOptions(request: ApiRequest, text: string | undefined): Promise<RequestOptions> {
    const { method, path, query, body } = request
    const { server, userAgent } = this.#options
    const access = await server.requestOptions()
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) search.set(name, value)
    const prefix = server.url.pathname.replace(/\/$/, '')
    return {
      ...access,
      ...(server.usesProxy ? {} : { agent: this.#agent }),
      method,
      path: search.size === 0 ? prefix + path : `${prefix}${path}?${search}`,
      headers: {
        ...trimmed(access.headers),
        accept: 'application/json',
        'user-agent': userAgent,
        ...(body === undefined ? {} : { 'content-type': body.contentType }),
        // Node sends the body of a DELETE without any framing unless it is told the length.
        ...(text === undefined ? {} : { 'content-length': Buffer.byteLength(text) }),
      },
    }
  }
}

class StaleSocketError extends Error {
  override readonly name = 'StaleSocketError'
}

/** A token file often ends with a newline, which no header may hold. */
function trimmed(headers: RequestOptions['headers']): Record<string, string> {
  const entries = Object.entries(headers ?? {}).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value).trim()]))
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > LONGEST_BODY) throw new UnavailableError(0, `an answer is longer than ${LONGEST_BODY} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length).toString('utf8')
}

function parseJson(status: number, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new UnavailableError(status, 'the API server answered something that is not JSON', { cause })
  }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function toStoreError({ method, path }: ApiRequest, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const { message, code } = error as NodeJS.ErrnoException
  return new UnavailableError(0, `${method} ${path}: ${message || code || 'failed'}`, { cause: error })
}

function timedOut(after: Duration): UnavailableError {
  return new UnavailableError(0, `no answer within ${after / 1000} s`)
}

function closed(): UnavailableError {
  return new UnavailableError(0, 'the client is closed')
}
