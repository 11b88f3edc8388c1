/** What hydrant import makes of CloudFormation templates. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/file.ts'
import type { Variables } from '../../src/config/variables.ts'
import { importText } from '../../src/import.ts'

/** The declarations that the printed file holds, read as a configuration. */
function declarations(text: string, variables: Variables = {}): readonly unknown[] {
  const loaded = parseConfig(text, variables)
  if (loaded.kind === 'refused') throw new Error(`${JSON.stringify(loaded.problems)}\n${text}`)
  return loaded.config.deliveryStreams
}

function template(properties: string, others = ''): string {
  return `Resources:
  Orders:
    Type: AWS::KinesisFirehose::DeliveryStream
    Properties:
      DeliveryStreamName: orders
      ExtendedS3DestinationConfiguration:
        BucketARN: arn:aws:s3:::lake
${properties.replaceAll(/^/gm, '        ')}
${others}`
}

function destination(properties: string, others = '', variables: Variables = {}): unknown {
  const [only] = declarations(importText(template(properties, others), 'x').text, variables)
  return (only as { ExtendedS3DestinationConfiguration: unknown }).ExtendedS3DestinationConfiguration
}

test('properties are the declaration; numbers and booleans written as text are what the API wants', () => {
  expect(
    destination(`BufferingHints: { SizeInMBs: "64", IntervalInSeconds: 60 }
CloudWatchLoggingOptions: { Enabled: "false" }
Prefix: 0123/
ErrorOutputPrefix: 12
S3BackupMode: Disabled`),
  ).toEqual({
    BucketARN: 'arn:aws:s3:::lake',
    BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
    CloudWatchLoggingOptions: { Enabled: false },
    Prefix: '0123/',
    ErrorOutputPrefix: '12',
    S3BackupMode: 'Disabled',
  })
})

test('a template in JSON with long functions says the same as one in YAML with short ones', () => {
  const yaml = `Parameters: { Stage: { Type: String, Default: dev } }
Resources:
  Lake: { Type: AWS::S3::Bucket, Properties: { BucketName: !Sub "lake-\${Stage}" } }
  Orders:
    Type: AWS::KinesisFirehose::DeliveryStream
    Properties:
      ExtendedS3DestinationConfiguration:
        BucketARN: !GetAtt Lake.Arn
        Prefix: !Join ["/", [!Ref Stage, orders, ""]]`
  const json = JSON.stringify({
    Parameters: { Stage: { Type: 'String', Default: 'dev' } },
    Resources: {
      Lake: { Type: 'AWS::S3::Bucket', Properties: { BucketName: { 'Fn::Sub': 'lake-${Stage}' } } },
      Orders: {
        Type: 'AWS::KinesisFirehose::DeliveryStream',
        Properties: {
          ExtendedS3DestinationConfiguration: {
            BucketARN: { 'Fn::GetAtt': ['Lake', 'Arn'] },
            Prefix: { 'Fn::Join': ['/', [{ Ref: 'Stage' }, 'orders', '']] },
          },
        },
      },
    },
  })
  const imported = importText(yaml, 'x')
  expect(imported.text).toBe(importText(json, 'x').text)
  expect(importText(JSON.stringify({ TemplateBody: yaml }), 'x').text).toBe(imported.text)
  expect(declarations(imported.text)).toEqual([
    {
      DeliveryStreamName: 'Orders',
      ExtendedS3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::lake-dev', Prefix: 'dev/orders/' },
    },
  ])
  expect(imported.text).toContain('Parameter Stage has its default, "dev"; --parameter Stage=VALUE gives it')
})

test.each([
  ['!Ref Stage', 'dev'],
  ['!Select [1, !Split ["-", a-b-c]]', 'b'],
  ['!Select [0, !Ref Zones]', 'east'],
  ['!Join ["+", !Ref Zones]', 'east+west'],
  ['!FindInMap [Sizes, !Ref Stage, Small]', 'tiny'],
  ['!FindInMap [Sizes, none, Small, { DefaultValue: fallback }]', 'fallback'],
  ['!If [IsProd, live, test]', 'test'],
  ['!If [IsNotProd, test, live]', 'test'],
  ['!If [IsEither, test, live]', 'test'],
  ['!If [IsBoth, live, test]', 'test'],
  ['!Sub "${Stage}-${!Literal}-${Lake}"', 'dev-${Literal}-lake-dev'],
  ['!Sub ["${a}/${Stage}", { a: !Ref Stage }]', 'dev/dev'],
  ['!Base64 abc', 'YWJj'],
  ['!Ref "AWS::Partition"', 'aws'],
  ['!Ref Lake', 'lake-dev'],
  ['!Ref Clicks', 'clicks'],
  ['a${b}$c', 'a${b}$c'],
])('%s as a prefix is %s', (value, expected) => {
  const others = `Parameters:
  Stage: { Type: String, Default: dev }
  Zones: { Type: CommaDelimitedList, Default: "east, west" }
Mappings: { Sizes: { dev: { Small: tiny } } }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsNotProd: !Not [!Condition IsProd]
  IsEither: !Or [!Condition IsProd, !Condition IsNotProd]
  IsBoth: !And [!Condition IsProd, !Condition IsNotProd]`
  const resources = `  Lake: { Type: AWS::S3::Bucket, Properties: { BucketName: !Sub "lake-\${Stage}" } }
  Clicks: { Type: AWS::Kinesis::Stream, Properties: { Name: clicks } }`
  expect(destination(`FileExtension: ""\nPrefix: ${value}`, `${resources}\n${others}`)).toMatchObject({
    Prefix: expected,
  })
})

test.each([
  ['!Ref Missing', 'MISSING', 'x', 'x'],
  ['!Ref LakeName', 'LAKE_NAME', 'x', 'x'],
  ['!Sub "a/${Hidden}$${AWS::Region}"', 'AWS_REGION', 'eu-west-1', 'a/$eu-west-1'],
  ['!ImportValue network-Lake', 'IMPORT_VALUE_NETWORK_LAKE', 'x', 'x'],
  ['"{{resolve:ssm:/lake/prefix:1}}/b"', 'LAKE_PREFIX_1', 'x', 'x/b'],
  ['!GetAtt Nested.Outputs.Prefix', 'NESTED_OUTPUTS_PREFIX', 'x', 'x'],
  ['!Ref Round', 'ROUND_NAME', 'x', 'x'],
])('what only a stack knows is a variable of the environment: %s', (value, name, given, expected) => {
  const others = `  Round: { Type: AWS::S3::Bucket, Properties: { BucketName: !Sub "\${Round}" } }
  Nested: { Type: AWS::CloudFormation::Stack }
Parameters:
  LakeName: { Type: "AWS::SSM::Parameter::Value<String>", Default: /lake/name }
  Hidden: { Type: String, Default: hush, NoEcho: true }`
  const imported = importText(template(`Prefix: ${value}`, others), 'x')
  expect(imported.text).not.toContain('hush')
  expect(imported.text).toContain(`# Set the environment variable ${name}: `)
  const [only] = declarations(imported.text, { [name]: given, HIDDEN: '' })
  expect(only).toMatchObject({ ExtendedS3DestinationConfiguration: { Prefix: expected } })
  const unset = parseConfig(imported.text, {})
  expect(unset.kind === 'refused' && unset.problems[0]?.message).toContain('is not set')
})

test('a given parameter takes the place of its default, and of what only a stack knows', () => {
  const text = template(
    'Prefix: !Sub "${Stage}/${AWS::Region}/"',
    'Parameters: { Stage: { Type: String, Default: dev } }',
  )
  const given = new Map([
    ['Stage', 'prod'],
    ['AWS::Region', 'eu-west-1'],
  ])
  const imported = importText(text, 'x', given)
  expect(imported.text).not.toMatch(/Parameter|environment/)
  expect(declarations(imported.text)).toMatchObject([
    { ExtendedS3DestinationConfiguration: { Prefix: 'prod/eu-west-1/' } },
  ])
})

test('a role that the template makes is left out, with a word; one that it names stays', () => {
  const made = template('RoleARN: !GetAtt Role.Arn', '  Role: { Type: AWS::IAM::Role }')
  const imported = importText(made, 'x')
  expect(declarations(imported.text)).toEqual([
    { DeliveryStreamName: 'orders', ExtendedS3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::lake' } },
  ])
  expect(imported.text).toContain('needs it: ExtendedS3DestinationConfiguration.RoleARN.')
  const known = 'arn:aws:iam::111122223333:role/team/firehose'
  expect(destination(`RoleARN: ${known}`)).toMatchObject({ RoleARN: known })
  const named = template(
    'RoleARN: !GetAtt Role.Arn',
    '  Role: { Type: AWS::IAM::Role, Properties: { RoleName: firehose, Path: /team/ } }',
  )
  const account = new Map([['AWS::AccountId', '111122223333']])
  expect(importText(named, 'x', account).text).toContain(`RoleARN: ${known}\n`)
})

test('AWS::NoValue leaves a member out', () => {
  expect(destination('Prefix: !Ref AWS::NoValue')).toEqual({ BucketARN: 'arn:aws:s3:::lake' })
})

test('tables of the template that are converted with become the catalog', () => {
  const conversion = `DataFormatConversionConfiguration:
  SchemaConfiguration: { DatabaseName: !Ref Sales, TableName: !Ref OrdersTable }
  InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } }
  OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } }`
  const table = (name: string, columns: string) => `  ${name}Table:
    Type: AWS::Glue::Table
    Properties: { DatabaseName: sales, TableInput: { Name: ${name}, StorageDescriptor: { Columns: ${columns} } } }`
  const others = `  Sales: { Type: AWS::Glue::Database, Properties: { DatabaseInput: { Name: sales } } }
${table('Orders', '[{ Name: Id, Type: string }, { Name: amount, Type: "decimal(10,2)" }]')}
${table('Unused', '[{ Name: id, Type: string }]')}`
  const { text } = importText(template(conversion, others), 'x')
  expect(text).toContain('TableName: orders\n')
  const loaded = parseConfig(text, {})
  expect(loaded.kind === 'loaded' && loaded.config.catalog.databases).toEqual({
    sales: {
      orders: {
        columns: [
          { name: 'id', type: 'string' },
          { name: 'amount', type: 'decimal(10,2)' },
        ],
      },
    },
  })
})

test('a table that is not there is asked for', () => {
  const conversion = `DataFormatConversionConfiguration:
  SchemaConfiguration: { DatabaseName: sales, TableName: orders }
  InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } }
  OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } }`
  expect(importText(template(conversion), 'x').text).toContain(
    '  # catalog.databases needs the columns of table sales.orders, or set "catalog: { glue: true }" if AWS Glue has it.\n',
  )
})

test('what cannot be declared is a comment with its reason, and none of its secrets', () => {
  const { text, declared, refused } = importText(
    `Conditions: { Never: !Equals [a, b] }
Resources:
  Warehouse:
    Type: AWS::KinesisFirehose::DeliveryStream
    Properties: { RedshiftDestinationConfiguration: { Password: hunter2, S3Configuration: {} } }
  Off:
    Type: AWS::KinesisFirehose::DeliveryStream
    Condition: Never
    Properties: { ExtendedS3DestinationConfiguration: { BucketARN: "arn:aws:s3:::lake" } }
  Wrong:
    Type: AWS::KinesisFirehose::DeliveryStream
    Properties: { ExtendedS3DestinationConfiguration: { BucketARN: "arn:aws:s3:::lake", Prefixx: a } }
  Topic: { Type: AWS::SNS::Topic }`,
    'x',
  )
  expect(declared).toEqual([])
  expect(refused.map(({ name }) => name)).toEqual(['Warehouse', 'Off', 'Wrong'])
  expect(declarations(text)).toEqual([])
  expect(text).toContain('# Warehouse was not imported: RedshiftDestinationConfiguration is not supported')
  expect(text).not.toContain('hunter2')
  expect(text).toContain('# Off was not imported: condition Never of the template is false')
  expect(text).toMatch(/# Wrong was not imported: .*Prefixx.* did you mean Prefix\?/)
  expect(text).toContain('#  - DeliveryStreamName: Wrong\n')
})

test.each([
  ['', 'it holds no delivery stream'],
  ['Resources: {}', 'it holds no delivery stream'],
  ['a: b', 'neither a description nor a template'],
  ['hello', 'neither a description nor a template'],
  ['{"Resources": {', 'it is neither JSON nor YAML: '],
  ['a: [', 'it is neither JSON nor YAML: '],
  ['['.repeat(100_000), 'it is nested too deeply'],
])('%j is refused with a sentence', (text, sentence) => {
  expect(() => importText(text, 'x')).toThrow(sentence)
})

const doubled = (make: (index: number) => unknown) =>
  Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`X${index}`, make(index)]))
const into = (bucket: unknown, others: object) =>
  JSON.stringify({
    ...others,
    Resources: {
      ...('Resources' in others ? (others.Resources as object) : {}),
      Orders: {
        Type: 'AWS::KinesisFirehose::DeliveryStream',
        Condition: 'X0',
        Properties: { S3DestinationConfiguration: { BucketARN: bucket } },
      },
    },
  })

test.each([
  [
    'names that are made of names',
    into(
      { 'Fn::GetAtt': 'X0.Arn' },
      {
        Resources: doubled((index) => ({
          Type: 'AWS::S3::Bucket',
          Properties: { BucketName: { 'Fn::Sub': `\${X${index + 1}}\${X${index + 1}}` } },
        })),
      },
    ),
  ],
  [
    'mappings of mappings',
    into(
      { 'Fn::FindInMap': ['X0', 'a', 'a'] },
      {
        Mappings: doubled((index) => {
          const next = { 'Fn::FindInMap': [`X${index + 1}`, 'a', 'a'] }
          return { a: { a: [next, next] } }
        }),
      },
    ),
  ],
  [
    'conditions of conditions',
    into('arn:aws:s3:::lake', {
      Conditions: doubled((index) => {
        const next = { Condition: `X${index + 1}` }
        return { 'Fn::And': [next, next] }
      }),
    }),
  ],
  [
    'a mapping of itself',
    into(
      { 'Fn::FindInMap': ['X', 'a', 'a'] },
      { Mappings: { X: { a: { a: { 'Fn::FindInMap': ['X', 'a', 'a'] } } } } },
    ),
  ],
  [
    'an alias of what it stands in',
    `Resources: { Orders: { Type: AWS::KinesisFirehose::DeliveryStream, Properties: { Tags: &a [*a] } } }`,
  ],
])(
  'a template that grows without end is refused: %s',
  (_, text) => {
    expect(() => importText(text, 'x')).toThrow(/^import x: it is nested too deeply, goes round in circles/)
  },
  60_000,
)

test('a key that the template makes is known by no name, whatever its policy', () => {
  const key = `Resources:
  Key: { Type: AWS::KMS::Key, Properties: { KeyPolicy: { Version: x } } }
  Orders:
    Type: AWS::KinesisFirehose::DeliveryStream
    Properties:
      DeliveryStreamName: orders
      DeliveryStreamEncryptionConfigurationInput: { KeyType: CUSTOMER_MANAGED_CMK, KeyARN: !GetAtt Key.Arn }
      S3DestinationConfiguration: { BucketARN: "arn:aws:s3:::lake" }`
  const variables = { AWS_REGION: 'us-east-1', AWS_ACCOUNT_ID: '000000000000', KEY_NAME: 'k' }
  expect(declarations(importText(key, 'x').text, variables)).toMatchObject([
    {
      DeliveryStreamEncryptionConfigurationInput: {
        KeyARN: 'arn:aws:kms:us-east-1:000000000000:key/k',
      },
    },
  ])
})

test('delivery streams of a loop are told, not passed over', () => {
  const loops = ['A', 'B'].map(
    (id) =>
      `  Fn::ForEach::${id}: [Name, [x, y], { "S\${Name}": { Type: AWS::KinesisFirehose::DeliveryStream } }]\n`,
  )
  const { refused } = importText(template('Prefix: a/', loops.join('')), 'x')
  expect(refused).toMatchObject(
    ['A', 'B'].map((id) => ({
      name: `Fn::ForEach::${id}`,
      reasons: [expect.stringContaining('--template-stage Processed')],
    })),
  )
})

test('text of a template cannot leave its comment or its place', () => {
  const text = JSON.stringify({
    Parameters: { P: { Type: 'String', Default: 'a\nserver: { host: 0.0.0.0 }' } },
    Resources: {
      'x\nauth: { mode: none }': {
        Type: 'AWS::KinesisFirehose::DeliveryStream',
        Properties: { RedshiftDestinationConfiguration: {} },
      },
      y: {
        Type: 'AWS::KinesisFirehose::DeliveryStream',
        Properties: {
          ExtendedS3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::b', Prefix: { Ref: 'P' } },
        },
      },
      __proto__: { Type: 'AWS::SNS::Topic' },
    },
  })
  const imported = parseConfig(importText(text, 'x').text, {})
  expect(imported.kind === 'loaded' && [imported.config.server.host, imported.config.auth]).toEqual([
    '127.0.0.1',
    undefined,
  ])
})

const names = [
  'Ref',
  'Fn::Sub',
  'Fn::GetAtt',
  'Fn::Join',
  'Fn::Select',
  'Fn::Split',
  'Fn::FindInMap',
  'Fn::If',
  'Fn::Base64',
  'Fn::Odd',
  'Condition',
  'DeliveryStreamName',
  'BucketARN',
  'RoleARN',
  'Prefix',
  'BufferingHints',
  'ColumnToJsonKeyMappings',
  '__proto__',
  'x',
]
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(
      'x',
      'IsOdd',
      'AWS::Region',
      'AWS::NoValue',
      '${x}',
      '${',
      '{{resolve:ssm:a}}',
      '\uE000X\uE000',
    ),
    fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.string()),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value

test('whatever a template holds, the result is a configuration with as many streams as it says, or a sentence', () => {
  fc.assert(
    fc.property(value, value, value, value, (member, name, parameter, resource) => {
      const text = JSON.stringify({
        Parameters: { x: { Default: parameter }, y: parameter },
        Conditions: { IsOdd: parameter },
        Resources: {
          x: { Type: 'AWS::S3::Bucket', Properties: resource },
          orders: {
            Type: 'AWS::KinesisFirehose::DeliveryStream',
            Properties: { DeliveryStreamName: name, ExtendedS3DestinationConfiguration: member },
          },
          clicks: {
            Type: 'AWS::KinesisFirehose::DeliveryStream',
            Properties: {
              ExtendedS3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::b', Prefix: member },
            },
          },
        },
      })
      const imported = importText(text, 'x')
      expect(imported.declared.length + imported.refused.length).toBe(2)
      const set = new Proxy({}, { get: () => 'set' })
      expect(declarations(imported.text, set)).toHaveLength(imported.declared.length)
    }),
    { numRuns: 1_000 },
  )
})

const processing = (query: string, functionArn: string) => `Prefix: c=!{partitionKeyFromQuery:customer}/
ErrorOutputPrefix: e/!{firehose:error-output-type}/
DynamicPartitioningConfiguration: { Enabled: "true" }
ProcessingConfiguration:
  Enabled: true
  Processors:
    - Type: MetadataExtraction
      Parameters:
        - { ParameterName: MetadataExtractionQuery, ParameterValue: ${query} }
        - { ParameterName: JsonParsingEngine, ParameterValue: JQ-1.6 }
    - Type: Lambda
      Parameters:
        - { ParameterName: LambdaArn, ParameterValue: ${functionArn} }
        - { ParameterName: NumberOfRetries, ParameterValue: 1 }`

test('processors and partitions come along, with what only the stack knows to be filled in', () => {
  const shape = '  Shape: { Type: AWS::Lambda::Function, Properties: { FunctionName: shape } }'
  const made = importText(template(processing('"{customer: .customer}"', '!GetAtt Shape.Arn'), shape), 'x')
  expect(made.refused).toEqual([])
  expect(made.text).toContain('arn:aws:lambda:${AWS_REGION}:${AWS_ACCOUNT_ID}:function:shape')
  expect(declarations(made.text, { AWS_REGION: 'eu-west-1', AWS_ACCOUNT_ID: '111122223333' })).toMatchObject([
    {
      ExtendedS3DestinationConfiguration: {
        DynamicPartitioningConfiguration: { Enabled: true },
        ProcessingConfiguration: {
          Processors: [{}, { Parameters: [{}, { ParameterName: 'NumberOfRetries', ParameterValue: '1' }] }],
        },
      },
    },
  ])
  const open = importText(template(processing('!ImportValue query', '!ImportValue function')), 'x')
  expect(open.refused).toEqual([])
  expect(open.text).toContain('ParameterValue: ${')
})

test('processors are judged by the rules of the service', () => {
  const { refused } = importText(template(processing('"{customer: .a, day: .b}"', 'arn:aws:lambda')), 'x')
  expect(refused).toMatchObject([
    {
      name: 'Orders',
      reasons: [
        'Invalid lambda ARN.',
        "MetaDataExtraction JQ Query can't contain keys that are not present in the S3 Prefix expression",
      ],
    },
  ])
})
