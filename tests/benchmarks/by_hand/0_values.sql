-- The two mappings, as one would write them in SQL: native texts to canonical values, null where a text is not valid.
-- As strict as the language's own functions: no '1e3' for a decimal, no local time for an instant.

CREATE TEMP MACRO squashed(value) AS trim(regexp_replace(value, '[\s\x{0b}\x{85}\p{Z}]+', ' ', 'g'));
CREATE TEMP MACRO trimmed(value) AS regexp_replace(regexp_replace(value, '^[\s\x{0b}\x{85}\p{Z}]+', ''), '[\s\x{0b}\x{85}\p{Z}]+$', '');
CREATE TEMP MACRO as_decimal(value) AS CASE WHEN regexp_full_match(value, '[+-]?[0-9]+(?:\.[0-9]{1,4}0*)?')
    THEN TRY_CAST(value AS DECIMAL(18, 4)) END;
CREATE TEMP MACRO as_share(value) AS CASE WHEN regexp_full_match(value, '[+-]?[0-9]+(?:\.[0-9]{1,2}0*)?')
    THEN TRY_CAST(value AS DECIMAL(5, 2)) END;
CREATE TEMP MACRO as_integer(value) AS CASE WHEN regexp_full_match(value, '[+-]?[0-9]{1,19}') THEN TRY_CAST(value AS BIGINT) END;
CREATE TEMP MACRO as_email(value) AS CASE
    WHEN regexp_full_match(value, '[^\s@,;:<>()\[\]\\"]+@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]{2,}')
    THEN split_part(value, '@', 1) || '@' || lower(split_part(value, '@', 2)) END;
CREATE TEMP MACRO as_date(value) AS CASE WHEN regexp_full_match(value, '[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN TRY_CAST(value AS DATE) END;
CREATE TEMP MACRO as_instant(value) AS CASE
    WHEN regexp_full_match(value, '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)')
    THEN TRY_CAST(value AS TIMESTAMPTZ) END;
CREATE TEMP MACRO as_money(amount, currency) AS CASE WHEN amount IS NOT NULL AND currency IS NOT NULL
    THEN {'amount': amount, 'currency': currency} END;
CREATE TEMP MACRO a_fault(field, native, value) AS CASE WHEN native IS NOT NULL AND value IS NULL THEN field END;
CREATE TEMP MACRO missing(field, native) AS CASE WHEN native IS NULL THEN field END;

CREATE TEMP MACRO as_country(value) AS CASE WHEN regexp_full_match(upper(value), 'AD|AE|AF|AG|AI|AL|AM|AO|AQ|AR|AS|AT|AU|AW|AX|AZ|BA|BB|BD|BE|BF|BG|BH|BI|BJ|BL|BM|BN|BO|BQ|BR|BS|BT|BV|BW|BY|BZ|CA|CC|CD|CF|CG|CH|CI|CK|CL|CM|CN|CO|CR|CU|CV|CW|CX|CY|CZ|DE|DJ|DK|DM|DO|DZ|EC|EE|EG|EH|ER|ES|ET|FI|FJ|FK|FM|FO|FR|GA|GB|GD|GE|GF|GG|GH|GI|GL|GM|GN|GP|GQ|GR|GS|GT|GU|GW|GY|HK|HM|HN|HR|HT|HU|ID|IE|IL|IM|IN|IO|IQ|IR|IS|IT|JE|JM|JO|JP|KE|KG|KH|KI|KM|KN|KP|KR|KW|KY|KZ|LA|LB|LC|LI|LK|LR|LS|LT|LU|LV|LY|MA|MC|MD|ME|MF|MG|MH|MK|ML|MM|MN|MO|MP|MQ|MR|MS|MT|MU|MV|MW|MX|MY|MZ|NA|NC|NE|NF|NG|NI|NL|NO|NP|NR|NU|NZ|OM|PA|PE|PF|PG|PH|PK|PL|PM|PN|PR|PS|PT|PW|PY|QA|RE|RO|RS|RU|RW|SA|SB|SC|SD|SE|SG|SH|SI|SJ|SK|SL|SM|SN|SO|SR|SS|ST|SV|SX|SY|SZ|TC|TD|TF|TG|TH|TJ|TK|TL|TM|TN|TO|TR|TT|TV|TW|TZ|UA|UG|UM|US|UY|UZ|VA|VC|VE|VG|VI|VN|VU|WF|WS|YE|YT|ZA|ZM|ZW')
    THEN upper(value) END;
CREATE TEMP MACRO as_currency(value) AS CASE WHEN regexp_full_match(upper(value), 'AED|AFN|ALL|AMD|ANG|AOA|ARS|AUD|AWG|AZN|BAM|BBD|BDT|BGN|BHD|BIF|BMD|BND|BOB|BRL|BSD|BTN|BWP|BYN|BZD|CAD|CDF|CHF|CLF|CLP|CNY|COP|CRC|CUP|CVE|CZK|DJF|DKK|DOP|DZD|EGP|ERN|ETB|EUR|FJD|FKP|GBP|GEL|GHS|GIP|GMD|GNF|GTQ|GYD|HKD|HNL|HTG|HUF|IDR|ILS|INR|IQD|IRR|ISK|JMD|JOD|JPY|KES|KGS|KHR|KMF|KPW|KRW|KWD|KYD|KZT|LAK|LBP|LKR|LRD|LSL|LYD|MAD|MDL|MGA|MKD|MMK|MNT|MOP|MRU|MUR|MVR|MWK|MXN|MYR|MZN|NAD|NGN|NIO|NOK|NPR|NZD|OMR|PAB|PEN|PGK|PHP|PKR|PLN|PYG|QAR|RON|RSD|RUB|RWF|SAR|SBD|SCR|SDG|SEK|SGD|SHP|SLE|SOS|SRD|SSP|STN|SVC|SYP|SZL|THB|TJS|TMT|TND|TOP|TRY|TTD|TWD|TZS|UAH|UGX|USD|UYI|UYU|UYW|UZS|VES|VND|VUV|WST|XAF|XCD|XCG|XOF|XPF|YER|ZAR|ZMW|ZWG')
    THEN upper(value) END;

CREATE TEMP MACRO crm_values(relation) AS TABLE
SELECT
    t.*, as_money(limit_amount, limit_currency) AS credit_limit,
    concat_ws(',',
        missing('number', number), missing('name', name), missing('status', "native.status"),
        missing('country', "native.country"), a_fault('status', "native.status", status),
        a_fault('segment', "native.segment", segment), a_fault('country', "native.country", country),
        a_fault('currency', "native.currency", currency), a_fault('email', "native.email", email),
        a_fault('credit_limit', "native.credit_limit", limit_amount),
        a_fault('credit_limit', "native.limit_currency", limit_currency),
        a_fault('credit_limit', limit_amount, limit_currency), a_fault('discount', "native.discount", discount),
        a_fault('payment_days', "native.payment_days", payment_days), a_fault('vip', "native.vip", vip),
        a_fault('opened_on', "native.opened_on", opened_on), a_fault('reviewed_at', "native.reviewed_at", reviewed_at)
    ) AS faults
FROM (
    SELECT
        *, "native.number" AS number, squashed("native.name") AS name, trimmed("native.legal_name") AS legal_name,
        CASE "native.status" WHEN 'Open' THEN 'active' WHEN 'New' THEN 'prospect' WHEN 'Paused' THEN 'suspended'
            WHEN 'Closed' THEN 'closed' END AS status,
        CASE "native.segment" WHEN 'S' THEN 'small' WHEN 'M' THEN 'middle' WHEN 'L' THEN 'large' WHEN 'P' THEN 'public' END
            AS segment,
        as_country("native.country") AS country, as_currency("native.currency") AS currency,
        as_email("native.email") AS email, squashed("native.phone") AS phone, squashed("native.street") AS street,
        squashed("native.city") AS city, upper("native.postcode") AS postcode,
        as_decimal("native.credit_limit") AS limit_amount, as_currency("native.limit_currency") AS limit_currency,
        as_share("native.discount") AS discount, as_integer("native.payment_days") AS payment_days,
        upper("native.tax_id") AS tax_id,
        CASE "native.vip" WHEN 'true' THEN true WHEN 'false' THEN false END AS vip,
        as_date("native.opened_on") AS opened_on, as_instant("native.reviewed_at") AS reviewed_at,
        trimmed("native.notes") AS notes
    FROM query_table(relation)
) AS t;

CREATE TEMP MACRO erp_values(relation) AS TABLE
SELECT
    t.*, as_money(limit_amount, limit_currency) AS credit_limit,
    concat_ws(',',
        missing('number', number), missing('name', name), missing('status', "native.state"),
        missing('country', "native.land"), a_fault('status', "native.state", status),
        a_fault('segment', "native.class", segment), a_fault('country', "native.land", country),
        a_fault('currency', "native.waers", currency), a_fault('email', "native.mail", email),
        a_fault('credit_limit', "native.limit_amount", limit_amount),
        a_fault('credit_limit', "native.limit_waers", limit_currency),
        a_fault('credit_limit', limit_amount, limit_currency), a_fault('discount', "native.rebate", discount),
        a_fault('payment_days', "native.terms_days", payment_days), a_fault('vip', "native.key_account", vip),
        a_fault('opened_on', "native.opened", opened_on), a_fault('reviewed_at', "native.reviewed", reviewed_at)
    ) AS faults
FROM (
    SELECT
        *, "native.debtor_no" AS number, squashed("native.name_1") AS name, trimmed("native.name_2") AS legal_name,
        CASE "native.state" WHEN 'A' THEN 'active' WHEN 'P' THEN 'prospect' WHEN 'S' THEN 'suspended' WHEN 'C' THEN 'closed' END
            AS status,
        CASE "native.class" WHEN '10' THEN 'small' WHEN '20' THEN 'middle' WHEN '30' THEN 'large' WHEN '90' THEN 'public' END
            AS segment,
        as_country("native.land") AS country, as_currency("native.waers") AS currency,
        as_email("native.mail") AS email, squashed("native.tel") AS phone, squashed("native.street") AS street,
        squashed("native.city") AS city, upper("native.zip") AS postcode,
        as_decimal("native.limit_amount") AS limit_amount, as_currency("native.limit_waers") AS limit_currency,
        as_share("native.rebate") AS discount, as_integer("native.terms_days") AS payment_days,
        upper("native.vat_no") AS tax_id,
        CASE "native.key_account" WHEN 'Y' THEN true WHEN 'N' THEN false END AS vip,
        CAST(try_strptime("native.opened", '%d.%m.%Y') AS DATE) AS opened_on,
        make_timestamptz(as_integer("native.reviewed") * 1000000) AS reviewed_at, trimmed("native.memo") AS notes
    FROM query_table(relation)
) AS t;
