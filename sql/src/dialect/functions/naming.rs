//! The names Spark prints for calls: some in capitals, some with their default arguments, some as operators.

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
    let default = |args: &mut Vec<String>, count: usize, value: &str| {
        if args.len() == count {
            args.push(value.to_owned());
        }
    };
    match name {
        "substring" | "substr" => default(&mut args, 2, "2147483647"),
        "lpad" | "rpad" => default(&mut args, 2, " "),
        "split" => default(&mut args, 2, "-1"),
        "regexp_replace" => default(&mut args, 3, "1"),
        "regexp_extract" => default(&mut args, 2, "1"),
        "locate" | "position" => default(&mut args, 2, "1"),
        "replace" => default(&mut args, 2, ""),
        "round" => default(&mut args, 1, "0"),
        "sort_array" => default(&mut args, 1, "true"),
        "percentile" => default(&mut args, 2, "1"),
        "percentile_approx" | "approx_percentile" => default(&mut args, 2, "10000"),
        "months_between" => default(&mut args, 2, "true"),
        "convert_timezone" if args.len() == 2 => args.insert(0, "current_timezone()".to_owned()),
        "listagg" | "string_agg" => default(&mut args, 1, "NULL"),
        // What else is given does not show.
        "approx_count_distinct" | "first" | "first_value" | "last" | "last_value" | "any_value" => {
            args.truncate(1);
        }
        "mode" if args.len() > 1 => return None,
        "unix_timestamp" | "to_unix_timestamp" | "from_unixtime" => {
            default(&mut args, 1, "yyyy-MM-dd HH:mm:ss")
        }
        _ => {}
    }
    let text = args.join(", ");
    Some(match name {
        "if" => format!("(IF({text}))"),
        "isnull" => format!("({text} IS NULL)"),
        "isnotnull" => format!("({text} IS NOT NULL)"),
        "ceil" | "floor" | "sqrt" | "power" | "exp" | "log10" | "signum" => {
            format!("{}({text})", name.to_uppercase())
        }
        "window" => "window".to_owned(),
        // A cast that the text does not call one: its name is its argument's.
        "date" | "timestamp" | "string" | "binary" | "boolean" | "tinyint" | "smallint" | "int"
        | "bigint" | "float" | "double" | "decimal" => text,
        "datepart" => format!("datepart({} FROM {})", args.first()?, args.get(1)?),
        "ltrim" if args.len() == 2 => format!("TRIM(LEADING {} FROM {})", args.first()?, args.get(1)?),
        "rtrim" if args.len() == 2 => format!("TRIM(TRAILING {} FROM {})", args.first()?, args.get(1)?),
        _ if distinct => format!("{name}(DISTINCT {text})"),
        _ => format!("{name}({text})"),
    })
}
