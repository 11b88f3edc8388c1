/**
 * What java.time calls the time of each zone in English (its letters z and v), which differs from Intl's names. As JDK
 * 17.0.15 (tzdata 2025b, Locale.US) answers for every id that CustomTimeZone can spell: letters, slash and underscore. Ids
 * that it lacks were added: America/Coyhaique, EST, HST, MST, ROC. Each entry: short and long name of standard time, of
 * daylight time, and of both; then the ids.
 */
const ENTRIES = `
GMT|Greenwich Mean Time|GMT|Greenwich Mean Time|GMT|Greenwich Mean Time:
  Africa/Abidjan Africa/Bamako Africa/Banjul Africa/Bissau Africa/Conakry Africa/Dakar Africa/Freetown
  Africa/Lome Africa/Monrovia Africa/Nouakchott Africa/Ouagadougou Africa/Sao_Tome Africa/Timbuktu
  America/Danmarkshavn Atlantic/Reykjavik Atlantic/St_Helena Etc/GMT Etc/Greenwich GMT Greenwich Iceland
GMT|Greenwich Mean Time|GHST|Ghana Summer Time|GMT|Ghana Mean Time: Africa/Accra
EAT|East Africa Time|EAST|Eastern African Summer Time|EAT|Eastern Africa Time:
  Africa/Addis_Ababa Africa/Asmara Africa/Asmera Africa/Dar_es_Salaam Africa/Djibouti Africa/Kampala
  Africa/Mogadishu Africa/Nairobi Indian/Antananarivo Indian/Comoro Indian/Mayotte
CET|Central European Standard Time|CEST|Central European Summer Time|CET|Central European Time:
  Africa/Algiers Africa/Ceuta Africa/Tunis Arctic/Longyearbyen Atlantic/Jan_Mayen Europe/Amsterdam
  Europe/Andorra Europe/Belgrade Europe/Berlin Europe/Bratislava Europe/Brussels Europe/Budapest
  Europe/Busingen Europe/Copenhagen Europe/Gibraltar Europe/Ljubljana Europe/Luxembourg Europe/Madrid
  Europe/Malta Europe/Monaco Europe/Oslo Europe/Paris Europe/Podgorica Europe/Prague Europe/Rome
  Europe/San_Marino Europe/Sarajevo Europe/Skopje Europe/Stockholm Europe/Tirane Europe/Vaduz Europe/Vatican
  Europe/Vienna Europe/Warsaw Europe/Zagreb Europe/Zurich Poland
WAT|West Africa Standard Time|WAST|West Africa Summer Time|WAT|West Africa Time:
  Africa/Bangui Africa/Brazzaville Africa/Douala Africa/Kinshasa Africa/Lagos Africa/Libreville Africa/Luanda
  Africa/Malabo Africa/Ndjamena Africa/Niamey
CAT|Central Africa Time|CAST|Central African Summer Time|CAT|Central Africa Time:
  Africa/Blantyre Africa/Bujumbura Africa/Gaborone Africa/Harare Africa/Juba Africa/Khartoum Africa/Kigali
  Africa/Lubumbashi Africa/Lusaka Africa/Maputo
EET|Eastern European Standard Time|EEST|Eastern European Summer Time|EET|Eastern European Time:
  Africa/Cairo Africa/Tripoli Asia/Amman Asia/Beirut Asia/Damascus Asia/Gaza Asia/Hebron Asia/Nicosia Egypt
  Europe/Athens Europe/Bucharest Europe/Chisinau Europe/Helsinki Europe/Kaliningrad Europe/Kiev Europe/Kyiv
  Europe/Mariehamn Europe/Nicosia Europe/Riga Europe/Sofia Europe/Tallinn Europe/Tiraspol Europe/Uzhgorod
  Europe/Vilnius Europe/Zaporozhye Libya
WET|Western European Time|WEST|Western European Summer Time|WET|Western European Time:
  Africa/Casablanca Africa/El_Aaiun WET
SAST|South Africa Standard Time|SAST|South Africa Summer Time|SAT|South Africa Time:
  Africa/Johannesburg Africa/Maseru Africa/Mbabane
CAT|Central Africa Time|WAT|Western African Time|CAT|Central African Time: Africa/Windhoek
HAST|Hawaii-Aleutian Standard Time|HADT|Hawaii-Aleutian Daylight Time|HAT|Hawaii-Aleutian Time:
  America/Adak America/Atka Pacific/Johnston US/Aleutian
AKST|Alaska Standard Time|AKDT|Alaska Daylight Time|AKT|Alaska Time:
  America/Anchorage America/Juneau America/Metlakatla America/Nome America/Sitka America/Yakutat US/Alaska
AST|Atlantic Standard Time|ADT|Atlantic Daylight Time|AT|Atlantic Time:
  America/Anguilla America/Antigua America/Aruba America/Barbados America/Curacao America/Dominica
  America/Glace_Bay America/Goose_Bay America/Grenada America/Guadeloupe America/Halifax America/Kralendijk
  America/Lower_Princes America/Marigot America/Martinique America/Moncton America/Montserrat
  America/Port_of_Spain America/Puerto_Rico America/Santo_Domingo America/St_Barthelemy America/St_Kitts
  America/St_Lucia America/St_Thomas America/St_Vincent America/Thule America/Tortola America/Virgin
  Atlantic/Bermuda Canada/Atlantic
BRT|Brasilia Standard Time|BRST|Brasilia Summer Time|BRT|Brasilia Time:
  America/Araguaina America/Bahia America/Belem America/Fortaleza America/Maceio America/Recife
  America/Santarem America/Sao_Paulo Brazil/East
ART|Argentina Standard Time|ARST|Argentina Summer Time|ART|Argentina Time:
  America/Argentina/Buenos_Aires America/Argentina/Catamarca America/Argentina/ComodRivadavia
  America/Argentina/Cordoba America/Argentina/Jujuy America/Argentina/La_Rioja America/Argentina/Mendoza
  America/Argentina/Rio_Gallegos America/Argentina/Salta America/Argentina/San_Juan America/Argentina/San_Luis
  America/Argentina/Tucuman America/Argentina/Ushuaia America/Buenos_Aires America/Catamarca America/Cordoba
  America/Jujuy America/Mendoza America/Rosario
PYT|Paraguay Standard Time|PYST|Paraguay Summer Time|PYT|Paraguay Time: America/Asuncion
EST|Eastern Standard Time|EDT|Eastern Daylight Time|ET|Eastern Time:
  America/Atikokan America/Cancun America/Cayman America/Coral_Harbour America/Detroit America/Fort_Wayne
  America/Grand_Turk America/Indiana/Indianapolis America/Indiana/Marengo America/Indiana/Petersburg
  America/Indiana/Vevay America/Indiana/Vincennes America/Indiana/Winamac America/Indianapolis America/Iqaluit
  America/Jamaica America/Kentucky/Louisville America/Kentucky/Monticello America/Louisville America/Montreal
  America/Nassau America/New_York America/Nipigon America/Panama America/Pangnirtung America/Thunder_Bay
  America/Toronto Canada/Eastern Jamaica US/Eastern US/Michigan
CST|Central Standard Time|CDT|Central Daylight Time|CT|Central Time:
  America/Bahia_Banderas America/Belize America/Chicago America/Chihuahua America/Costa_Rica
  America/El_Salvador America/Guatemala America/Indiana/Knox America/Indiana/Tell_City America/Knox_IN
  America/Managua America/Matamoros America/Menominee America/Merida America/Mexico_City America/Monterrey
  America/North_Dakota/Beulah America/North_Dakota/Center America/North_Dakota/New_Salem America/Ojinaga
  America/Rainy_River America/Rankin_Inlet America/Regina America/Resolute America/Swift_Current
  America/Tegucigalpa America/Winnipeg Canada/Central Canada/Saskatchewan Mexico/General US/Central
AMT|Amazon Standard Time|AMST|Amazon Summer Time|AMT|Amazon Time:
  America/Boa_Vista America/Campo_Grande America/Cuiaba America/Manaus America/Porto_Velho Brazil/West
COT|Colombia Standard Time|COST|Colombia Summer Time|COT|Colombia Time: America/Bogota
MST|Mountain Standard Time|MDT|Mountain Daylight Time|MT|Mountain Time:
  America/Boise America/Cambridge_Bay America/Ciudad_Juarez America/Creston America/Dawson
  America/Dawson_Creek America/Denver America/Edmonton America/Fort_Nelson America/Inuvik America/Phoenix
  America/Shiprock America/Whitehorse America/Yellowknife Canada/Mountain Canada/Yukon Navajo US/Arizona
  US/Mountain
VET|Venezuela Time|VEST|Venezuela Summer Time|VET|Venezuela Time: America/Caracas
GFT|French Guiana Time|GFST|French Guiana Summer Time|GFT|French Guiana Time: America/Cayenne
GMT-03:00|Coyhaique Standard Time|GMT-03:00|Coyhaique Standard Time|GMT-03:00|Coyhaique Time:
  America/Coyhaique
ACT|Acre Standard Time|ACST|Acre Summer Time|ACT|Acre Time:
  America/Eirunepe America/Porto_Acre America/Rio_Branco Brazil/Acre
PST|Pacific Standard Time|PDT|Pacific Daylight Time|PT|Pacific Time:
  America/Ensenada America/Los_Angeles America/Tijuana America/Vancouver Canada/Pacific Mexico/BajaNorte
  US/Pacific
WGT|West Greenland Standard Time|WGST|West Greenland Summer Time|WGT|West Greenland Time:
  America/Godthab America/Nuuk
ECT|Ecuador Time|ECST|Ecuador Summer Time|ECT|Ecuador Time: America/Guayaquil
GYT|Guyana Time|GYST|Guyana Summer Time|GYT|Guyana Time: America/Guyana
CST|Cuba Standard Time|CDT|Cuba Daylight Time|CT|Cuba Time: America/Havana Cuba
MST|Mexican Pacific Standard Time|MDT|Mexican Pacific Daylight Time|MT|Mexican Pacific Time:
  America/Hermosillo America/Mazatlan Mexico/BajaSur
BOT|Bolivia Time|BOST|Bolivia Summer Time|BOT|Bolivia Time: America/La_Paz
PET|Peru Standard Time|PEST|Peru Summer Time|PET|Peru Time: America/Lima
PMST|St. Pierre & Miquelon Standard Time|PMDT|St. Pierre & Miquelon Daylight Time|PMT|St. Pierre & Miquelon Time:
  America/Miquelon
UYT|Uruguay Standard Time|UYST|Uruguay Summer Time|UYT|Uruguay Time: America/Montevideo
FNT|Fernando de Noronha Standard Time|FNST|Fernando de Noronha Summer Time|FNT|Fernando de Noronha Time:
  America/Noronha Brazil/DeNoronha
SRT|Suriname Time|SRST|Suriname Summer Time|SRT|Suriname Time: America/Paramaribo
GMT-03:00|Punta Arenas Standard Time|GMT-03:00|Punta Arenas Standard Time|GMT-03:00|Punta Arenas Time:
  America/Punta_Arenas
PST|Northwest Mexico Standard Time|PDT|Northwest Mexico Daylight Time|PT|Northwest Mexico Time:
  America/Santa_Isabel
CLT|Chile Standard Time|CLST|Chile Summer Time|CLT|Chile Time: America/Santiago Chile/Continental
EGT|East Greenland Standard Time|EGST|East Greenland Summer Time|EGT|East Greenland Time: America/Scoresbysund
NST|Newfoundland Standard Time|NDT|Newfoundland Daylight Time|NT|Newfoundland Time:
  America/St_Johns Canada/Newfoundland
AWST|Casey Time|AWDT|Australian Western Daylight Time|AWT|Australian Western Time: Antarctica/Casey
DAVT|Davis Time|DAVST|Davis Summer Time|DAVT|Davis Time: Antarctica/Davis
DDUT|Dumont-d’Urville Time|DDUST|Dumont-d'Urville Summer Time|DDUT|Dumont-d'Urville Time:
  Antarctica/DumontDUrville
AEST|Australian Eastern Standard Time|AEDT|Australian Eastern Daylight Time|AET|Eastern Australia Time:
  Antarctica/Macquarie Australia/ACT Australia/Brisbane Australia/Canberra Australia/Currie Australia/Hobart
  Australia/Lindeman Australia/Melbourne Australia/NSW Australia/Queensland Australia/Sydney
  Australia/Tasmania Australia/Victoria
MAWT|Mawson Time|MAWST|Mawson Summer Time|MAWT|Mawson Time: Antarctica/Mawson
NZST|New Zealand Standard Time|NZDT|New Zealand Daylight Time|NZT|New Zealand Time:
  Antarctica/McMurdo Antarctica/South_Pole NZ Pacific/Auckland
CLT|Chile Time|CLST|Chile Summer Time|CLT|Chile Time: Antarctica/Palmer
ROTT|Rothera Time|ROTST|Rothera Summer Time|ROTT|Rothera Time: Antarctica/Rothera
SYOT|Syowa Time|SYOST|Syowa Summer Time|SYOT|Syowa Time: Antarctica/Syowa
GMT|Greenwich Mean Time|CEST|Central European Summer Time|ATT|Troll Time: Antarctica/Troll
VOST|Vostok Time|VOSST|Vostok Summer Time|VOST|Vostok Time: Antarctica/Vostok
AST|Arabian Standard Time|ADT|Arabian Daylight Time|AT|Arabian Time:
  Asia/Aden Asia/Baghdad Asia/Bahrain Asia/Kuwait Asia/Qatar Asia/Riyadh
ALMT|East Kazakhstan Time|ALMST|Alma-Ata Summer Time|ALMT|Alma-Ata Time: Asia/Almaty
ANAT|Anadyr Standard Time|ANAST|Anadyr Summer Time|ANAT|Anadyr Time: Asia/Anadyr
AQTT|West Kazakhstan Time|AQTST|Aqtau Summer Time|AQTT|Aqtau Time: Asia/Aqtau
AQTT|West Kazakhstan Time|AQTST|Aqtobe Summer Time|AQTT|Aqtobe Time: Asia/Aqtobe
TMT|Turkmenistan Standard Time|TMST|Turkmenistan Summer Time|TMT|Turkmenistan Time:
  Asia/Ashgabat Asia/Ashkhabad
GMT+05:00|West Kazakhstan Time|GMT+05:00|Atyrau Daylight Time|GMT+05:00|Atyrau Time: Asia/Atyrau
AZT|Azerbaijan Standard Time|AZST|Azerbaijan Summer Time|AZT|Azerbaijan Time: Asia/Baku
ICT|Indochina Time|ICST|Indochina Summer Time|ICT|Indochina Time:
  Asia/Bangkok Asia/Ho_Chi_Minh Asia/Phnom_Penh Asia/Saigon Asia/Vientiane
GMT+07:00|Barnaul Standard Time|GMT+07:00|Barnaul Daylight Time|GMT+07:00|Barnaul Time: Asia/Barnaul
KGT|Kyrgyzstan Time|KGST|Kirgizstan Summer Time|KGT|Kirgizstan Time: Asia/Bishkek
BNT|Brunei Darussalam Time|BNST|Brunei Summer Time|BNT|Brunei Time: Asia/Brunei
IST|India Standard Time|IDT|India Daylight Time|IT|India Time: Asia/Calcutta Asia/Colombo Asia/Kolkata
YAKT|Yakutsk Standard Time|YAKST|Yakutsk Summer Time|YAKT|Yakutsk Time: Asia/Chita Asia/Khandyga Asia/Yakutsk
CHOT|Ulaanbaatar Standard Time|CHOST|Ulaanbaatar Summer Time|CHOT|Ulaanbaatar Time: Asia/Choibalsan
CST|China Standard Time|CDT|China Daylight Time|CT|China Time:
  Asia/Chongqing Asia/Chungking Asia/Harbin Asia/Macao Asia/Macau Asia/Shanghai PRC
BDT|Bangladesh Standard Time|BDST|Bangladesh Summer Time|BDT|Bangladesh Time: Asia/Dacca Asia/Dhaka
TLT|East Timor Time|TLST|Timor-Leste Summer Time|TLT|Timor-Leste Time: Asia/Dili
GST|Gulf Standard Time|GDT|Gulf Daylight Time|GT|Gulf Time: Asia/Dubai Asia/Muscat
TJT|Tajikistan Time|TJST|Tajikistan Summer Time|TJT|Tajikistan Time: Asia/Dushanbe
EET|Eastern European Time|EEST|Eastern European Summer Time|EET|Eastern European Time: Asia/Famagusta EET
HKT|Hong Kong Standard Time|HKST|Hong Kong Summer Time|HKT|Hong Kong Time: Asia/Hong_Kong Hongkong
HOVT|Hovd Standard Time|HOVST|Hovd Summer Time|HOVT|Hovd Time: Asia/Hovd
IRKT|Irkutsk Standard Time|IRKST|Irkutsk Summer Time|IRKT|Irkutsk Time: Asia/Irkutsk
TRT|Turkey Time|TRST|Turkey Summer Time|TRT|Turkey Time: Asia/Istanbul Europe/Istanbul Turkey
WIB|Western Indonesia Time|WIST|West Indonesia Summer Time|WIB|West Indonesia Time:
  Asia/Jakarta Asia/Pontianak
WIT|Eastern Indonesia Time|EIST|East Indonesia Summer Time|WIT|East Indonesia Time: Asia/Jayapura
IST|Israel Standard Time|IDT|Israel Daylight Time|IT|Israel Time: Asia/Jerusalem Asia/Tel_Aviv Israel
AFT|Afghanistan Time|AFST|Afghanistan Summer Time|AFT|Afghanistan Time: Asia/Kabul
PETT|Petropavlovsk-Kamchatski Standard Time|PETST|Petropavlovsk-Kamchatski Summer Time|PETT|Petropavlovsk-Kamchatski Time:
  Asia/Kamchatka
PKT|Pakistan Standard Time|PKST|Pakistan Summer Time|PKT|Pakistan Time: Asia/Karachi
XJT|Xinjiang Standard Time|XJDT|Xinjiang Daylight Time|XJT|Xinjiang Time: Asia/Kashgar Asia/Urumqi
NPT|Nepal Time|NPST|Nepal Summer Time|NPT|Nepal Time: Asia/Kathmandu Asia/Katmandu
KRAT|Krasnoyarsk Standard Time|KRAST|Krasnoyarsk Summer Time|KRAT|Krasnoyarsk Time:
  Asia/Krasnoyarsk Asia/Novokuznetsk
MYT|Malaysia Time|MYST|Malaysia Summer Time|MYT|Malaysia Time: Asia/Kuala_Lumpur Asia/Kuching
MAGT|Magadan Standard Time|MAGST|Magadan Summer Time|MAGT|Magadan Time: Asia/Magadan
WITA|Central Indonesia Time|CIST|Central Indonesia Summer Time|WITA|Central Indonesia Time:
  Asia/Makassar Asia/Ujung_Pandang
PST|Philippine Standard Time|PDT|Philippine Summer Time|PT|Philippine Time: Asia/Manila
NOVT|Novosibirsk Standard Time|NOVST|Novosibirsk Summer Time|NOVT|Novosibirsk Time: Asia/Novosibirsk
OMST|Omsk Standard Time|OMSST|Omsk Summer Time|OMST|Omsk Time: Asia/Omsk
ORAT|West Kazakhstan Time|ORAST|Oral Summer Time|ORAT|Oral Time: Asia/Oral
KST|Korean Standard Time|KDT|Korean Daylight Time|KT|Korean Time: Asia/Pyongyang Asia/Seoul ROK
QOST|East Kazakhstan Time|QOSST|Kostanay Summer Time|QOST|Kostanay Time: Asia/Qostanay
QYZT|West Kazakhstan Time|QYZST|Qyzylorda Summer Time|QYZT|Qyzylorda Time: Asia/Qyzylorda
MMT|Myanmar Time|MMST|Myanmar Summer Time|MMT|Myanmar Time: Asia/Rangoon Asia/Yangon
SAKT|Sakhalin Standard Time|SAKST|Sakhalin Summer Time|SAKT|Sakhalin Time: Asia/Sakhalin
UZT|Uzbekistan Standard Time|UZST|Uzbekistan Summer Time|UZT|Uzbekistan Time: Asia/Samarkand Asia/Tashkent
SGT|Singapore Standard Time|SGST|Singapore Summer Time|SGT|Singapore Time: Asia/Singapore Singapore
SRET|Srednekolymsk Time|SREDT|Srednekolymsk Daylight Time|SRET|Srednekolymsk Time: Asia/Srednekolymsk
CST|Taipei Standard Time|CDT|Taipei Daylight Time|CT|Taipei Time: Asia/Taipei ROC
GET|Georgia Standard Time|GEST|Georgia Summer Time|GET|Georgia Time: Asia/Tbilisi
IRST|Iran Standard Time|IRDT|Iran Daylight Time|IRT|Iran Time: Asia/Tehran Iran
BTT|Bhutan Time|BTST|Bhutan Summer Time|BTT|Bhutan Time: Asia/Thimbu Asia/Thimphu
JST|Japan Standard Time|JDT|Japan Daylight Time|JT|Japan Time: Asia/Tokyo Japan
GMT+07:00|Tomsk Standard Time|GMT+07:00|Tomsk Daylight Time|GMT+07:00|Tomsk Time: Asia/Tomsk
ULAT|Ulaanbaatar Standard Time|ULAST|Ulaanbaatar Summer Time|ULAT|Ulaanbaatar Time:
  Asia/Ulaanbaatar Asia/Ulan_Bator
VLAT|Vladivostok Standard Time|VLAST|Vladivostok Summer Time|VLAT|Vladivostok Time: Asia/Vladivostok
YEKT|Yekaterinburg Standard Time|YEKST|Yekaterinburg Summer Time|YEKT|Yekaterinburg Time: Asia/Yekaterinburg
AMT|Armenia Standard Time|AMST|Armenia Summer Time|AMT|Armenia Time: Asia/Yerevan
AZOT|Azores Standard Time|AZOST|Azores Summer Time|AZOT|Azores Time: Atlantic/Azores
WET|Western European Standard Time|WEST|Western European Summer Time|WET|Western European Time:
  Atlantic/Canary Atlantic/Faeroe Atlantic/Faroe Atlantic/Madeira Europe/Lisbon Portugal
CVT|Cape Verde Standard Time|CVST|Cape Verde Summer Time|CVT|Cape Verde Time: Atlantic/Cape_Verde
GST|South Georgia Time|GDT|South Georgia Daylight Time|GT|South Georgia Time: Atlantic/South_Georgia
FKT|Falkland Islands Standard Time|FKST|Falkland Islands Summer Time|FKT|Falkland Islands Time:
  Atlantic/Stanley
ACST|Australian Central Standard Time|ACDT|Australian Central Daylight Time|ACT|Central Australia Time:
  Australia/Adelaide Australia/Broken_Hill Australia/Darwin Australia/North Australia/South
  Australia/Yancowinna
ACWST|Australian Central Western Standard Time|ACWDT|Australian Central Western Daylight Time|ACWT|Australian Central Western Time:
  Australia/Eucla
LHST|Lord Howe Standard Time|LHDT|Lord Howe Daylight Time|LHT|Lord Howe Time:
  Australia/LHI Australia/Lord_Howe
AWST|Australian Western Standard Time|AWDT|Australian Western Daylight Time|AWT|Western Australia Time:
  Australia/Perth Australia/West
CET|Central European Time|CEST|Central European Summer Time|CET|Central European Time: CET
EAST|Easter Island Standard Time|EASST|Easter Island Summer Time|EAST|Easter Island Time:
  Chile/EasterIsland Pacific/Easter
EST|Eastern Standard Time|EST|Eastern Standard Time|EST|Eastern Standard Time: EST
GMT|Greenwich Mean Time|IST|Irish Standard Time|IT|Irish Time: Eire Europe/Dublin
UTC|Coordinated Universal Time|UTC|Coordinated Universal Time|UTC|Coordinated Universal Time:
  Etc/UCT Etc/UTC Etc/Universal Etc/Zulu UCT UTC Universal Zulu
GMT+04:00|Astrakhan Standard Time|GMT+04:00|Astrakhan Standard Time|GMT+04:00|Astrakhan Time: Europe/Astrakhan
GMT|Greenwich Mean Time|BST|British Summer Time|BT|British Time:
  Europe/Belfast Europe/Guernsey Europe/Isle_of_Man Europe/Jersey Europe/London GB
MSK|Moscow Standard Time|MSD|Moscow Daylight Time|MT|Moscow Time: Europe/Kirov
MSK|Moscow Standard Time|MSD|Moscow Summer Time|MT|Moscow Time: Europe/Minsk Europe/Moscow Europe/Simferopol
SAMT|Samara Standard Time|SAMST|Samara Summer Time|SAMT|Samara Time: Europe/Samara
GMT+04:00|Saratov Standard Time|GMT+04:00|Saratov Standard Time|GMT+04:00|Saratov Time: Europe/Saratov
GMT+04:00|Ulyanovsk Standard Time|GMT+04:00|Ulyanovsk Standard Time|GMT+04:00|Ulyanovsk Time: Europe/Ulyanovsk
MSK|Volgograd Standard Time|MSD|Volgograd Summer Time|MT|Volgograd Time: Europe/Volgograd
HST|Hawaii Standard Time|HST|Hawaii Standard Time|HST|Hawaii Standard Time: HST
IOT|Indian Ocean Time|IOST|Indian Ocean Territory Summer Time|IOT|Indian Ocean Territory Time: Indian/Chagos
CXT|Christmas Island Time|CXST|Christmas Island Summer Time|CIT|Christmas Island Time: Indian/Christmas
CCT|Cocos Islands Time|CCST|Cocos Islands Summer Time|CCT|Cocos Islands Time: Indian/Cocos
TFT|French Southern & Antarctic Time|TFST|French Southern & Antarctic Lands Summer Time|TFT|French Southern & Antarctic Lands Time:
  Indian/Kerguelen
SCT|Seychelles Time|SCST|Seychelles Summer Time|SCT|Seychelles Time: Indian/Mahe
MVT|Maldives Time|MVST|Maldives Summer Time|MVT|Maldives Time: Indian/Maldives
MUT|Mauritius Standard Time|MUST|Mauritius Summer Time|MUT|Mauritius Time: Indian/Mauritius
RET|Réunion Time|REST|Reunion Summer Time|RET|Reunion Time: Indian/Reunion
MHT|Marshall Islands Time|MHST|Marshall Islands Summer Time|MHT|Marshall Islands Time:
  Kwajalein Pacific/Kwajalein Pacific/Majuro
MET|Middle Europe Time|MEST|Middle Europe Summer Time|MET|Middle Europe Time: MET
MST|Mountain Standard Time|MST|Mountain Standard Time|MST|Mountain Standard Time: MST
WSST|Apia Standard Time|WSDT|Apia Daylight Time|WST|Apia Time: Pacific/Apia
BST|Bougainville Standard Time|BST|Bougainville Daylight Time|BT|Bougainville Time: Pacific/Bougainville
CHAST|Chatham Standard Time|CHADT|Chatham Daylight Time|CHAT|Chatham Time: Pacific/Chatham
CHUT|Chuuk Time|CHUST|Chuuk Summer Time|CHUT|Chuuk Time: Pacific/Chuuk Pacific/Truk Pacific/Yap
VUT|Vanuatu Standard Time|VUST|Vanuatu Summer Time|VUT|Vanuatu Time: Pacific/Efate
PHOT|Phoenix Islands Time|PHOST|Phoenix Is. Summer Time|PHOT|Phoenix Is. Time: Pacific/Enderbury
TKT|Tokelau Time|TKST|Tokelau Summer Time|TKT|Tokelau Time: Pacific/Fakaofo
FJT|Fiji Standard Time|FJST|Fiji Summer Time|FJT|Fiji Time: Pacific/Fiji
TVT|Tuvalu Time|TVST|Tuvalu Summer Time|TVT|Tuvalu Time: Pacific/Funafuti
GALT|Galapagos Time|GALST|Galapagos Summer Time|GALT|Galapagos Time: Pacific/Galapagos
GAMT|Gambier Time|GAMST|Gambier Summer Time|GAMT|Gambier Time: Pacific/Gambier
SBT|Solomon Islands Time|SBST|Solomon Is. Summer Time|SBT|Solomon Is. Time: Pacific/Guadalcanal
ChST|Chamorro Standard Time|ChDT|Chamorro Daylight Time|ChT|Chamorro Time: Pacific/Guam Pacific/Saipan
HST|Hawaii-Aleutian Standard Time|HDT|Hawaii-Aleutian Daylight Time|HST|Hawaii-Aleutian Time:
  Pacific/Honolulu US/Hawaii
GMT+13:00|Kanton Standard Time|GMT+13:00|Kanton Daylight Time|GMT+13:00|Kanton Time: Pacific/Kanton
LINT|Line Islands Time|LINST|Line Is. Summer Time|LINT|Line Is. Time: Pacific/Kiritimati
KOST|Kosrae Time|KOSST|Kosrae Summer Time|KOST|Kosrae Time: Pacific/Kosrae
MART|Marquesas Time|MARST|Marquesas Summer Time|MART|Marquesas Time: Pacific/Marquesas
SST|Samoa Standard Time|SDT|Samoa Daylight Time|ST|Samoa Time:
  Pacific/Midway Pacific/Pago_Pago Pacific/Samoa US/Samoa
NRT|Nauru Time|NRST|Nauru Summer Time|NRT|Nauru Time: Pacific/Nauru
NUT|Niue Time|NUST|Niue Summer Time|NUT|Niue Time: Pacific/Niue
NFT|Norfolk Island Standard Time|NFST|Norfolk Island Daylight Time|NFT|Norfolk Island Time: Pacific/Norfolk
NCT|New Caledonia Standard Time|NCST|New Caledonia Summer Time|NCT|New Caledonia Time: Pacific/Noumea
PWT|Palau Time|PWST|Palau Summer Time|PWT|Palau Time: Pacific/Palau
PST|Pitcairn Time|PDT|Pitcairn Daylight Time|PT|Pitcairn Time: Pacific/Pitcairn
PONT|Ponape Time|PONST|Pohnpei Summer Time|PONT|Ponape Time: Pacific/Pohnpei Pacific/Ponape
PGT|Papua New Guinea Time|PGST|Papua New Guinea Summer Time|PGT|Papua New Guinea Time: Pacific/Port_Moresby
CKT|Cook Islands Standard Time|CKHST|Cook Islands Half Summer Time|CKT|Cook Islands Time: Pacific/Rarotonga
TAHT|Tahiti Time|TAHST|Tahiti Summer Time|TAHT|Tahiti Time: Pacific/Tahiti
GILT|Gilbert Islands Time|GILST|Gilbert Is. Summer Time|GILT|Gilbert Is. Time: Pacific/Tarawa
TOT|Tonga Standard Time|TOST|Tonga Summer Time|TOT|Tonga Time: Pacific/Tongatapu
WAKT|Wake Island Time|WAKST|Wake Summer Time|WAKT|Wake Time: Pacific/Wake
WFT|Wallis & Futuna Time|WFST|Wallis & Futuna Summer Time|WFT|Wallis & Futuna Time: Pacific/Wallis
`

/** Short and long name of standard time, of daylight time, of both. */
export type ZoneNames = readonly [string, string, string, string, string, string]

/** By id, in IANA's letter case. */
export const ZONE_NAMES: ReadonlyMap<string, ZoneNames> = new Map(
  ENTRIES.trim()
    .split(/\n(?! )/)
    .flatMap((entry) => {
      const [names = '', ids = ''] = entry.split(/:\s+/)
      return ids
        .trim()
        .split(/\s+/)
        .map((id) => [id, names.split('|') as unknown as ZoneNames] as const)
    }),
)
