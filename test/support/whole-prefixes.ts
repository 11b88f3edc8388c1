/** Whole prefixes with the beginnings of the keys that they make, or what is said of them. Shared by the suites of names. */

export interface PrefixCase {
  readonly prefix: string
  readonly errorOutputPrefix: string
  /** Empty: UTC. */
  readonly timeZone: string
  readonly instant: string
  /** What stands before the stream's name, `<random>` for a random string. */
  readonly data: string
  /** The same of an error object, `<type>` for its type. */
  readonly error: string
}

type Row = readonly [prefix: string, errorOutputPrefix: string, data: string, error: string]

const TYPE = '!{firehose:error-output-type}'

/** The same moment and zone for each row. */
function at(instant: string, timeZone: string, rows: readonly Row[]): PrefixCase[] {
  return rows.map(([prefix, errorOutputPrefix, data, error]) => ({
    prefix,
    errorOutputPrefix,
    timeZone,
    instant,
    data,
    error,
  }))
}

/** Timestamp patterns, in Prefix and ErrorOutputPrefix alike. */
function patterns(
  instant: string,
  timeZone: string,
  printed: Readonly<Record<string, string>>,
): PrefixCase[] {
  return at(
    instant,
    timeZone,
    Object.entries(printed).map(([pattern, text]): Row => {
      const expression = `!{timestamp:${pattern}}`
      return [`d/${expression}/`, `e/${expression}/${TYPE}/`, `d/${text}/`, `e/${text}/<type>/`]
    }),
  )
}

/** The moment of the examples in AWS's guide. */
const GUIDE = '2018-08-27T10:30:00Z'

/** No expressions: the default time part follows, in UTC and elsewhere. */
const STATIC_PREFIXES = [
  ...at(GUIDE, '', [
    ['', '', '2018/08/27/10/', '<type>/2018/08/27/10/'],
    ['events/', '', 'events/2018/08/27/10/', 'events/<type>/2018/08/27/10/'],
    ['events', '', 'events2018/08/27/10/', 'events<type>/2018/08/27/10/'],
    ['/', '', '/2018/08/27/10/', '/<type>/2018/08/27/10/'],
    ['/events/', '', '/events/2018/08/27/10/', '/events/<type>/2018/08/27/10/'],
    ['a//b/', '', 'a//b/2018/08/27/10/', 'a//b/<type>/2018/08/27/10/'],
    ['a/../b/', '', 'a/../b/2018/08/27/10/', 'a/../b/<type>/2018/08/27/10/'],
    [' a b ', '', ' a b 2018/08/27/10/', ' a b <type>/2018/08/27/10/'],
    ['größe/日本/', '', 'größe/日本/2018/08/27/10/', 'größe/日本/<type>/2018/08/27/10/'],
    ['😀/', '', '😀/2018/08/27/10/', '😀/<type>/2018/08/27/10/'],
    ['a!b/', '', 'a!b/2018/08/27/10/', 'a!b/<type>/2018/08/27/10/'],
    ['a{b}/', '', 'a{b}/2018/08/27/10/', 'a{b}/<type>/2018/08/27/10/'],
    ['a! {b}/', '', 'a! {b}/2018/08/27/10/', 'a! {b}/<type>/2018/08/27/10/'],
    ['yyyy/MM/', '', 'yyyy/MM/2018/08/27/10/', 'yyyy/MM/<type>/2018/08/27/10/'],
    ["it's/", '', "it's/2018/08/27/10/", "it's/<type>/2018/08/27/10/"],
    ['${x}/%2F/', '', '${x}/%2F/2018/08/27/10/', '${x}/%2F/<type>/2018/08/27/10/'],
    ['', 'errors/', '2018/08/27/10/', 'errors/<type>/2018/08/27/10/'],
    ['', 'errors', '2018/08/27/10/', 'errors<type>/2018/08/27/10/'],
    ['events/', 'errors/', 'events/2018/08/27/10/', 'errors/<type>/2018/08/27/10/'],
    ['', `fail/${TYPE}/`, '2018/08/27/10/', 'fail/<type>/'],
    ['events/', TYPE, 'events/2018/08/27/10/', '<type>'],
    ['', `${TYPE}/${TYPE}/`, '2018/08/27/10/', '<type>/<type>/'],
    ['', `x${TYPE}y`, '2018/08/27/10/', 'x<type>y'],
  ]),
  ...at('2026-01-01T23:30:00Z', 'Europe/Madrid', [
    ['', '', '2026/01/02/00/', '<type>/2026/01/02/00/'],
    ['logs/', '', 'logs/2026/01/02/00/', 'logs/<type>/2026/01/02/00/'],
    ['logs/', 'errors/', 'logs/2026/01/02/00/', 'errors/<type>/2026/01/02/00/'],
  ]),
  ...at('2026-01-01T03:30:00Z', 'America/New_York', [['', '', '2025/12/31/22/', '<type>/2025/12/31/22/']]),
  ...at('2026-03-29T00:59:59.999Z', 'Europe/Madrid', [['', '', '2026/03/29/01/', '<type>/2026/03/29/01/']]),
  ...at('2026-03-29T01:00:00Z', 'Europe/Madrid', [['', '', '2026/03/29/03/', '<type>/2026/03/29/03/']]),
  ...at('2026-10-25T00:30:00Z', 'Europe/Madrid', [['', '', '2026/10/25/02/', '<type>/2026/10/25/02/']]),
  ...at('2026-10-25T01:30:00Z', 'Europe/Madrid', [['', '', '2026/10/25/02/', '<type>/2026/10/25/02/']]),
  ...at('2026-11-01T05:30:00Z', 'US/Eastern', [['', '', '2026/11/01/01/', '<type>/2026/11/01/01/']]),
  ...at('2026-11-01T06:30:00Z', 'US/Eastern', [['', '', '2026/11/01/01/', '<type>/2026/11/01/01/']]),
  ...at('2026-06-15T12:00:00Z', 'Asia/Calcutta', [['', '', '2026/06/15/17/', '<type>/2026/06/15/17/']]),
  ...at('2026-06-15T12:00:00Z', 'Pacific/Chatham', [['', '', '2026/06/16/00/', '<type>/2026/06/16/00/']]),
  ...at('2026-06-15T12:00:00Z', 'Pacific/Kiritimati', [['', '', '2026/06/16/02/', '<type>/2026/06/16/02/']]),
  ...at('2024-02-29T23:59:59Z', 'UTC', [['', '', '2024/02/29/23/', '<type>/2024/02/29/23/']]),
]

/** Any expression: nothing is added. */
const EXPRESSIONS = [
  ...at(GUIDE, '', [
    ['data/!{timestamp:yyyy/MM/dd}/', `e/${TYPE}/`, 'data/2018/08/27/', 'e/<type>/'],
    ['!{timestamp:yyyy/MM/dd}', TYPE, '2018/08/27', '<type>'],
    ['rand/!{firehose:random-string}/', `e/${TYPE}/`, 'rand/<random>/', 'e/<type>/'],
    [
      '!{firehose:random-string}/!{firehose:random-string}/',
      `!{firehose:random-string}/${TYPE}/`,
      '<random>/<random>/',
      '<random>/<type>/',
    ],
    ['!{firehose:random-string}', 'static', '<random>', 'static<type>/2018/08/27/10/'],
    ['!{timestamp:yyyy}/', 'static/', '2018/', 'static/<type>/2018/08/27/10/'],
    ['!{timestamp:yyyy}!{timestamp:MM}', `${TYPE}!{timestamp:dd}`, '201808', '<type>27'],
    ['!{timestamp:yyyy}', `${TYPE}/`, '2018', '<type>/'],
    ['a!!{timestamp:yyyy}!/', `${TYPE}/`, 'a!2018!/', '<type>/'],
    ['{!{timestamp:yyyy}}/', `${TYPE}/`, '{2018}/', '<type>/'],
    ["!{timestamp:'dt='yyyy-MM-dd}/", `e/${TYPE}/`, 'dt=2018-08-27/', 'e/<type>/'],
    [
      'f/Y=!{timestamp:yyyy}/anyMonth/rand=!{firehose:random-string}',
      `e/${TYPE}/!{timestamp:yyyy}/anyMonth/!{timestamp:dd}`,
      'f/Y=2018/anyMonth/rand=<random>',
      'e/<type>/2018/anyMonth/27',
    ],
    [
      'p/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/',
      `e/year=!{timestamp:yyyy}/${TYPE}/`,
      'p/year=2018/month=08/day=27/hour=10/',
      'e/year=2018/<type>/',
    ],
    [
      "!{timestamp:'year='yyyy'/month='MM'/day='dd'/hour='HH}/",
      `${TYPE}/`,
      'year=2018/month=08/day=27/hour=10/',
      '<type>/',
    ],
    ['', `e/${TYPE}/!{timestamp:yyyy/MM/dd/HH}/`, '2018/08/27/10/', 'e/<type>/2018/08/27/10/'],
  ]),
  ...at('2026-01-01T23:30:00Z', 'Asia/Tokyo', [
    [
      'd=!{timestamp:yyyy-MM-dd}/h=!{timestamp:HH}/',
      `${TYPE}/!{timestamp:yyyy-MM-dd HH}/`,
      'd=2026-01-02/h=08/',
      '<type>/2026-01-02 08/',
    ],
  ]),
]

const PATTERNS = [
  ...patterns(GUIDE, '', {
    yyyy: '2018',
    yy: '18',
    uuuu: '2018',
    "yyyy''MM": "2018'08",
    "''": "'",
    "'o''clock' HH": "o'clock 10",
    'M/MM/MMM/MMMM/MMMMM': '8/08/Aug/August/A',
    'L-LL-LLL-LLLL-LLLLL': '8-08-Aug-August-A',
    'd dd': '27 27',
    'D DD DDD': '239 239 239',
    'E EE EEE EEEE EEEEE': 'Mon Mon Mon Monday M',
    'e ee eee eeee eeeee': '2 02 Mon Monday M',
    'c ccc cccc ccccc': '2 Mon Monday M',
    'Q QQ QQQ QQQQ QQQQQ': '3 03 Q3 3rd quarter 3',
    'q qq qqq qqqq': '3 03 Q3 3rd quarter',
    'G GGGG GGGGG': 'AD Anno Domini A',
    'H HH k kk': '10 10 10 10',
    'h:mm a': '10:30 AM',
    'K:mm': '10:30',
    'm mm s ss': '30 30 0 00',
    'S SSS SSSSSSSSS': '0 000 000000000',
    'A n N': '37800000 0 37800000000000',
    g: '58357',
    F: '6',
    'w ww W': '35 35 5',
    "YYYY-'W'ww-e": '2018-W35-2',
    'B BBBB': 'in the morning in the morning',
    'VV z zzzz v vvvv': 'UTC UTC Coordinated Universal Time UTC Coordinated Universal Time',
    'O OOOO': 'GMT GMT',
    'X XX XXX XXXX XXXXX': 'Z Z Z Z Z',
    'x xx xxx xxxx xxxxx': '+00 +0000 +00:00 +0000 +00:00',
    'Z ZZZZ ZZZZZ': '+0000 GMT Z',
    '[yyyy][/MM]': '2018/08',
    '[yyyy': '2018',
    "HH[':'mm]": '10:30',
    '[[yyyy]MM]': '201808',
    pppd: ' 27',
    ppH: '10',
    'pppppppppMMMM/yyyy': '   August/2018',
    pppppEEE: '  Mon',
    "yyyy-MM-dd'T'HH:mm:ssXXX": '2018-08-27T10:30:00Z',
    'EEE, d MMM yyyy': 'Mon, 27 Aug 2018',
    "yyyy.MM.dd G 'at' HH:mm:ss z": '2018.08.27 AD at 10:30:00 UTC',
    yyyyMMddHHmmssSSS: '20180827103000000',
    'yyyy/MM/dd/HH/': '2018/08/27/10/',
    日本yyyy: '日本2018',
  }),
  // The days around new year: the year of a week is not always the year.
  ...patterns('2025-12-28T12:34:56.789Z', '', {
    YYYY: '2026',
    yyyy: '2025',
    "YYYY'-W'ww": '2026-W01',
    SSS: '789',
    'h a B': '12 PM in the afternoon',
    'n A': '789000000 45296789',
    D: '362',
  }),
  ...patterns('2025-12-27T23:59:59.999Z', '', {
    "YYYY'-W'ww": '2025-W52',
    'ss.SSS': '59.999',
    B: 'at night',
  }),
  ...patterns('2023-01-01T00:00:00Z', '', {
    "YYYY'-W'ww": '2023-W01',
    B: 'midnight',
    'k K h H': '24 0 12 0',
    'DDD DD D': '001 01 1',
  }),
  ...patterns('2026-01-01T23:30:00Z', 'Europe/Madrid', {
    'yyyy-MM-dd HH:mm': '2026-01-02 00:30',
    'z zzzz': 'CET Central European Standard Time',
    'v vvvv': 'CET Central European Time',
    'X XX XXX x': '+01 +0100 +01:00 +01',
    'O OOOO Z ZZZZ': 'GMT+1 GMT+01:00 +0100 GMT+01:00',
    VV: 'Europe/Madrid',
  }),
  ...patterns('2026-06-15T12:00:00Z', 'Asia/Kolkata', {
    'z v zzzz': 'IST IT India Standard Time',
    'X XX O OOOO': '+0530 +0530 GMT+5:30 GMT+05:30',
  }),
  ...patterns('2026-06-15T12:00:00Z', 'Pacific/Chatham', {
    'dd HH:mm XXX': '16 00:45 +12:45',
    'z zzzz': 'CHAST Chatham Standard Time',
  }),
  ...patterns('2026-11-01T05:30:00Z', 'America/New_York', { 'HH z XXX': '01 EDT -04:00' }),
  ...patterns('2026-11-01T06:30:00Z', 'America/New_York', {
    'HH z XXX': '01 EST -05:00',
    VV: 'America/New_York',
  }),
  ...patterns('2026-07-01T00:00:00Z', 'Europe/London', { 'HH z vvvv': '01 BST British Time' }),
  ...patterns('2026-07-01T00:00:00Z', 'Europe/Dublin', { 'z zzzz': 'IST Irish Standard Time' }),
  ...patterns('2026-07-01T00:00:00Z', 'Asia/Gaza', { 'z XXX': 'EEST +03:00' }),
  ...patterns('2026-01-01T12:00:00Z', 'America/Argentina/Buenos_Aires', {
    'HH zzzz': '09 Argentina Standard Time',
  }),
  ...patterns('2026-01-01T12:00:00Z', 'America/Santiago', { 'HH z': '09 CLST' }),
  ...patterns('2026-01-01T12:00:00Z', 'Australia/Lord_Howe', { 'HH:mm z O': '23:00 LHDT GMT+11' }),
  ...patterns('2026-01-01T12:00:00Z', 'America/St_Johns', { 'HH:mm z O': '08:30 NST GMT-3:30' }),
]

export const PREFIX_CASES: readonly PrefixCase[] = [...STATIC_PREFIXES, ...EXPRESSIONS, ...PATTERNS]
