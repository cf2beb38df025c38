import { ApiError } from '../status.ts'

export type Representation = 'object' | 'table' | 'partial'

interface MediaRange {
  type: string
  parameters: ReadonlyMap<string, string>
}

function parseAccept(header: string): MediaRange[] {
  return header.split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim())
    return {
      type: type.toLowerCase(),
      parameters: new Map(
        parameters.map((parameter): [string, string] => {
          const equals = parameter.indexOf('=')
          return [parameter.slice(0, equals), parameter.slice(equals + 1)]
        }),
      ),
    }
  })
}

const ACCEPTED = ['application/json', 'application/*', '*/*']

/**
 * The first form that the client lists and that can be given.
 * @throws ApiError 406
 */
export function representationFor(header: string | undefined): Representation {
  for (const { type, parameters } of parseAccept(header || '*/*')) {
    if (!ACCEPTED.includes(type)) continue
    const form = parameters.get('as')
    if (form === undefined) return 'object'
    if (parameters.get('g') !== 'meta.k8s.io' || parameters.get('v') !== 'v1') continue
    if (form === 'Table') return 'table'
    if (form === 'PartialObjectMetadata' || form === 'PartialObjectMetadataList') return 'partial'
  }
  throw new ApiError(406, 'NotAcceptable', 'only the following media types are accepted: application/json')
}

export const AGGREGATED_DISCOVERY = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

export function acceptsAggregatedDiscovery(header: string | undefined): boolean {
  return parseAccept(header ?? '').some(
    ({ type, parameters }) =>
      type === 'application/json' &&
      parameters.get('as') === 'APIGroupDiscoveryList' &&
      parameters.get('g') === 'apidiscovery.k8s.io' &&
      parameters.get('v') === 'v2',
  )
}
