/**
 * Delivery streams of a CloudFormation or SAM template. Their properties are the input of CreateDeliveryStream, with the
 * functions of CloudFormation in it.
 *
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesisfirehose-deliverystream.html
 */
import { readAwsText } from '../config/aws-text.ts'
import type { DeclaredTable } from '../config/declared-text.ts'
import type { JsonObject, JsonValue } from '../domain/delivery-stream.ts'
import type { Found } from './imported.ts'
import { Intrinsics, type TemplateContext } from './intrinsics.ts'
import { withKinds } from './members.ts'
import { hasPlaceholder } from './placeholders.ts'
import { resourceOf, type Resource, type Template } from './resources.ts'
import { tablesOf } from './tables.ts'
import { isMap, mapOf } from './untyped.ts'

const DELIVERY_STREAM = 'AWS::KinesisFirehose::DeliveryStream'

/** The template, also inside of what `aws cloudformation get-template` prints. Undefined for anything else. */
export function templateIn(value: unknown): Template | undefined {
  const { TemplateBody: body, Resources: resources } = mapOf(value)
  if (isMap(resources)) return value as Template
  if (typeof body !== 'string') return body === undefined ? undefined : templateIn(body)
  const read = readAwsText(body)
  return read.kind === 'read' ? templateIn(read.values[0]) : undefined
}

export interface FoundInTemplate {
  readonly streams: readonly Found[]
  readonly tables: readonly DeclaredTable[]
  /** Of the template as a whole. */
  readonly notes: readonly string[]
}

export function foundInTemplate(
  template: Template,
  context: Omit<TemplateContext, 'template' | 'notes'>,
): FoundInTemplate {
  const notes = new Set<string>()
  const intrinsics = new Intrinsics({ ...context, template, notes })
  const streams = Object.entries(mapOf(template['Resources'])).flatMap(([id, value]) => {
    if (id.startsWith('Fn::')) return made(id, value)
    const resource = resourceOf(value)
    if (resource?.type !== DELIVERY_STREAM) return []
    return [found(id, resource, intrinsics)]
  })
  const tables = tablesOf(template, intrinsics)
  return { streams, tables, notes: [...notes] }
}

/** What CloudFormation makes of a template before it reads it, `Fn::ForEach::Streams`, as far as delivery streams come of it. */
function made(id: string, value: unknown): Found[] {
  if (!JSON.stringify(value).includes(`"${DELIVERY_STREAM}"`)) return []
  const refusal =
    'only CloudFormation works it out; give what aws cloudformation get-template --template-stage Processed prints'
  return [{ name: id, declaration: { DeliveryStreamName: id }, notes: [], refusal }]
}

function found(id: string, { properties, condition }: Resource, intrinsics: Intrinsics): Found {
  const resolved = (intrinsics.resolve(withoutSecrets(properties)) ?? {}) as JsonObject
  const { DeliveryStreamName: name = id, ...others } = resolved
  const notes: string[] = []
  if (resolved['DeliveryStreamName'] === undefined)
    notes.push(
      'The template gives it no name, so CloudFormation makes one; here it has that of its resource.',
    )
  const declaration = withoutOpenRoles(withKinds({ DeliveryStreamName: name, ...others }), notes)
  const verdict = condition === undefined ? true : intrinsics.condition(condition)
  if (verdict === undefined)
    notes.push(`Whether the template makes it depends on condition ${condition}, which was taken as true.`)
  return {
    name: id,
    declaration,
    notes,
    refusal: verdict === false ? `condition ${condition} of the template is false` : undefined,
  }
}

/** Of a destination other than S3 only its name: what is in it may be secret, and is of no use here. */
function withoutSecrets(properties: Resource['properties']): Resource['properties'] {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      name.endsWith('DestinationConfiguration') && !/^(Extended)?S3Dest/.test(name) ? {} : value,
    ]),
  )
}

/** A role that the template makes has no ARN yet, and a declaration can do without. */
function withoutOpenRoles(declaration: JsonObject, notes: string[]): JsonObject {
  const roles = new Set<string>()
  const pruned = prune(declaration, roles) as JsonObject
  if (roles.size > 0)
    notes.push(
      `Left out, because the template does not tell the ARN, and only aws.assumeRoles needs it: ${[...roles].join(', ')}.`,
    )
  return pruned
}

function prune(value: JsonValue, roles: Set<string>, path = ''): JsonValue {
  if (Array.isArray(value)) {
    const entries: readonly JsonValue[] = value
    return entries
      .filter((entry) => !isOpenRoleParameter(entry))
      .map((entry, index) => prune(entry, roles, `${path}[${index}]`))
  }
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      const here = path === '' ? name : `${path}.${name}`
      if (name === 'RoleARN' && typeof inner === 'string' && hasPlaceholder(inner)) {
        roles.add(here)
        return []
      }
      return [[name, prune(inner, roles, here)]]
    }),
  )
}

/** The role with which a processor calls a function. */
function isOpenRoleParameter(value: JsonValue): boolean {
  const { ParameterName: name, ParameterValue: text } = mapOf(value)
  return name === 'RoleArn' && typeof text === 'string' && hasPlaceholder(text)
}
