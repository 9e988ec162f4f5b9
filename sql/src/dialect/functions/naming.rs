//! The names Spark prints for calls: some in capitals, some with their default arguments, some as operators.

/// Functions whose names Spark prints in capitals.
const IN_CAPITALS: [&str; 40] = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "cot",
    "csc",
    "degrees",
    "dense_rank",
    "e",
    "exp",
    "expm1",
    "floor",
    "hypot",
    "log",
    "log10",
    "log1p",
    "log2",
    "percent_rank",
    "pi",
    "power",
    "radians",
    "rank",
    "regexp",
    "regexp_like",
    "rlike",
    "sec",
    "signum",
    "sin",
    "sinh",
    "spark_partition_id",
    "sqrt",
    "tan",
    "tanh",
];

/// Functions that are casts: a call with one argument has that argument's name.
pub(crate) const CASTS: [&str; 12] = [
    "bigint",
    "binary",
    "boolean",
    "date",
    "decimal",
    "double",
    "float",
    "int",
    "smallint",
    "string",
    "timestamp",
    "tinyint",
];

/// The text of a call in a column's name; `None` for a function whose text is not known.
pub(crate) fn name_of_call(name: &str, mut args: Vec<String>, distinct: bool) -> Option<String> {
    let name = match name {
        "array_agg" => "collect_list",
        "curdate" => "current_date",
        "dateadd" | "date_add" if args.len() == 3 => "timestampadd",
        "datediff" | "date_diff" if args.len() == 3 => "timestampdiff",
        "dateadd" => "date_add",
        other => other,
    };
    // Spark names this one after a field of a map's type.
    if name == "from_json" && args.get(1).is_some_and(|schema| is_map(schema)) {
        return Some("entries".to_owned());
    }
    complete(name, &mut args)?;
    let text = args.join(", ");
    Some(match name {
        "if" => format!("(IF({text}))"),
        "isnull" => format!("({text} IS NULL)"),
        "isnotnull" => format!("({text} IS NOT NULL)"),
        name if IN_CAPITALS.contains(&name) => format!("{}({text})", name.to_uppercase()),
        "positive" => format!("(+ {text})"),
        "like" if args.len() == 2 => format!("{} LIKE {}", args.first()?, args.get(1)?),
        "window" => "window".to_owned(),
        // A cast that the text does not call one: its name is its argument's.
        name if CASTS.contains(&name) && args.len() == 1 => text,
        "datepart" => format!("datepart({} FROM {})", args.first()?, args.get(1)?),
        "ltrim" if args.len() == 2 => format!("TRIM(LEADING {} FROM {})", args.first()?, args.get(1)?),
        "rtrim" if args.len() == 2 => format!("TRIM(TRAILING {} FROM {})", args.first()?, args.get(1)?),
        _ if distinct => format!("{name}(DISTINCT {text})"),
        _ => format!("{name}({text})"),
    })
}

/// Puts in the arguments that Spark shows though the text leaves them out, and takes out those that it does not show.
fn complete(name: &str, args: &mut Vec<String>) -> Option<()> {
    let default = |args: &mut Vec<String>, count: usize, value: &str| {
        if args.len() == count {
            args.push(value.to_owned());
        }
    };
    match name {
        "substring" | "substr" => default(args, 2, "2147483647"),
        "lpad" | "rpad" => default(args, 2, " "),
        "split" => default(args, 2, "-1"),
        "regexp_replace" => default(args, 3, "1"),
        "regexp_extract" => default(args, 2, "1"),
        "locate" | "position" => default(args, 2, "1"),
        "ntile" => default(args, 0, "1"),
        "make_dt_interval" => {
            (0..3).for_each(|count| default(args, count, "0"));
            default(args, 3, "0.000000");
        }
        "make_ym_interval" => (0..2).for_each(|count| default(args, count, "0")),
        "lag" | "lead" => {
            default(args, 1, "1");
            default(args, 2, "NULL");
        }
        // What is ranked does not show.
        "rank" | "dense_rank" | "percent_rank" => args.clear(),
        "replace" => default(args, 2, ""),
        "round" | "bround" => default(args, 1, "0"),
        "overlay" => default(args, 3, "-1"),
        "regexp_extract_all" => default(args, 2, "1"),
        "regexp_instr" => default(args, 2, "0"),
        "str_to_map" => {
            default(args, 1, ",");
            default(args, 2, ":");
        }
        "log" if args.len() == 1 => args.insert(0, "E()".to_owned()),
        "assert_true" if args.len() == 1 => args.push(format!("'{}' is not true!", args.first()?)),
        "aggregate" | "reduce" => {
            default(
                args,
                3,
                "lambdafunction(namedlambdavariable(), namedlambdavariable())",
            );
        }
        "array_sort" if args.len() == 1 => return None,
        // The schema and the options do not show.
        "from_json" | "to_json" | "schema_of_json" => args.truncate(1),
        "sort_array" => default(args, 1, "true"),
        "percentile" => default(args, 2, "1"),
        "percentile_approx" | "approx_percentile" => default(args, 2, "10000"),
        "months_between" => default(args, 2, "true"),
        "convert_timezone" if args.len() == 2 => args.insert(0, "current_timezone()".to_owned()),
        "listagg" | "string_agg" => default(args, 1, "NULL"),
        // What else is given does not show.
        "approx_count_distinct" | "first" | "first_value" | "last" | "last_value" | "any_value" => {
            args.truncate(1);
        }
        "mode" if args.len() > 1 => return None,
        "unix_timestamp" | "to_unix_timestamp" | "from_unixtime" => default(args, 1, "yyyy-MM-dd HH:mm:ss"),
        _ => {}
    }
    Some(())
}

/// Whether a schema's text is a map's type.
fn is_map(schema: &str) -> bool {
    let schema = schema.trim_start().to_lowercase();
    schema
        .strip_prefix("map")
        .is_some_and(|rest| rest.trim_start().starts_with('<'))
}
