//! NumPy's keyword arguments, as the cases write them.

use frit::numpy::{Arg, Index};
use frit_ir::build::Operand;
use frit_ir::{DType, Dim, Scalar, Value};
use serde_json::Value as Json;

/// Arguments of a case. Numbers that JSON lacks are text (`inf`); an array argument is `{"input": position}`.
pub(crate) struct Args<'a> {
    pub(crate) json: &'a Json,
    pub(crate) inputs: &'a [Value],
}

pub(crate) fn number(j: &Json) -> f64 {
    match j {
        Json::String(s) => s.parse().unwrap_or_else(|_| panic!("{s} is no number")),
        _ => j.as_f64().unwrap_or_else(|| panic!("{j} is no number")),
    }
}

pub(crate) fn int(j: &Json) -> i64 {
    j.as_i64().unwrap_or_else(|| panic!("{j} is no integer"))
}

pub(crate) fn ints(j: &Json) -> Vec<i64> {
    match j {
        Json::Array(all) => all.iter().map(int).collect(),
        _ => vec![int(j)],
    }
}

pub(crate) fn scalar(j: &Json) -> Scalar {
    match j {
        Json::Bool(v) => Scalar::bool(*v),
        _ if j.is_i64() => Scalar::from_i64(DType::I64, int(j)),
        _ => Scalar::from_f64(DType::F64, number(j)),
    }
}

impl Args<'_> {
    pub(crate) fn has(&self, name: &str) -> bool {
        !self.json[name].is_null()
    }

    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        if self.has(name) { int(&self.json[name]) } else { default }
    }

    pub(crate) fn axis(&self) -> Option<i64> {
        self.has("axis").then(|| int(&self.json["axis"]))
    }

    pub(crate) fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.has(name).then(|| ints(&self.json[name]))
    }

    /// `axis` or `axes`; not the two lists of `tensordot`.
    pub(crate) fn axes(&self) -> Option<Vec<i64>> {
        if self.json["axes"][0].is_array() {
            return None;
        }
        self.ints("axis").or_else(|| self.ints("axes"))
    }

    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.json[name].as_bool().unwrap_or(default)
    }

    pub(crate) fn keepdims(&self) -> bool {
        self.flag("keepdims", false)
    }

    pub(crate) fn number(&self, name: &str, default: f64) -> f64 {
        if self.has(name) { number(&self.json[name]) } else { default }
    }

    pub(crate) fn some_number(&self, name: &str) -> Option<f64> {
        self.has(name).then(|| number(&self.json[name]))
    }

    pub(crate) fn text(&self, name: &str, default: &'static str) -> &str {
        self.json[name].as_str().unwrap_or(default)
    }

    pub(crate) fn dtype(&self, default: DType) -> DType {
        self.json["dtype"].as_str().map_or(default, |n| DType::from_name(n).expect("known type"))
    }

    pub(crate) fn some_dtype(&self) -> Option<DType> {
        self.json["dtype"].as_str().map(|n| DType::from_name(n).expect("known type"))
    }

    pub(crate) fn dims(&self, name: &str) -> Vec<Dim> {
        self.ints(name).unwrap_or_default().into_iter().map(Dim::from).collect()
    }

    pub(crate) fn some_dims(&self, name: &str) -> Option<Vec<Dim>> {
        self.has(name).then(|| self.dims(name))
    }

    pub(crate) fn dim(&self, name: &str) -> Dim {
        Dim::from(self.int(name, 0))
    }

    /// An array or a number.
    pub(crate) fn operand(&self, name: &str) -> Option<Operand> {
        let j = &self.json[name];
        if j.is_null() {
            return None;
        }
        Some(match self.value(name) {
            Some(v) => v.into(),
            None => scalar(j).operand(),
        })
    }

    /// An array argument.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        self.json[name]["input"].as_u64().map(|k| self.inputs[k as usize])
    }

    /// `x[...]`: integers, `{"slice": [start, stop, step]}`, `"..."`, `null` (a new axis), arrays and lists.
    pub(crate) fn index(&self) -> Vec<Index<Value>> {
        let part = |j: &Json| -> Index<Value> {
            if let Some(k) = j["input"].as_u64() {
                return Index::Array(self.inputs[k as usize]);
            }
            if let Some(s) = j["slice"].as_array() {
                let end = |j: &Json| (!j.is_null()).then(|| Dim::from(int(j)));
                let step = if s[2].is_null() { 1 } else { int(&s[2]) };
                return Index::Range { start: end(&s[0]), stop: end(&s[1]), step };
            }
            match j {
                Json::Null => Index::New,
                Json::String(_) => Index::Ellipsis,
                Json::Array(_) => Index::List(ints(j)),
                _ => Index::At(int(j).into()),
            }
        };
        self.json["index"].as_array().expect("an index").iter().map(part).collect()
    }
}
