use super::*;
use tokenizers::TruncationDirection;
use std::ptr::{null, null_mut};

const VOCABULARY: &[&str] = &[
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "sat", "on", "mat", "##s", "a", ",", ".", "ca", "##t", "über",
];

/// A tokenizer.json as BERT's, with a [CLS] A [SEP] / [CLS] A [SEP] B [SEP] post-processor and more of the file's own `sections`.
fn bert_json(post_processor: bool, sections: &str) -> String {
    let entries: Vec<String> = VOCABULARY.iter().enumerate().map(|(id, token)| format!("\"{token}\": {id}")).collect();
    let processor = if post_processor {
        r###"{"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
                     {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                               "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}}"###
    } else {
        "null"
    };
    format!(
        r###"{{"version": "1.0", {sections} "added_tokens": [],
            "normalizer": {{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                            "strip_accents": false, "lowercase": true}},
            "pre_tokenizer": {{"type": "BertPreTokenizer"}}, "post_processor": {processor}, "decoder": null,
            "model": {{"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                       "max_input_chars_per_word": 100, "vocab": {{{}}}}}}}"###,
        entries.join(", ")
    )
}

const PADDED: &str = r###""truncation": {"direction": "Left", "max_length": 4, "strategy": "OnlyFirst", "stride": 0},
    "padding": {"strategy": {"Fixed": 32}, "direction": "Left", "pad_to_multiple_of": null, "pad_id": 7, "pad_type_id": 2,
                "pad_token": "on"},"###;
const PLAIN: &str = r###""truncation": null, "padding": null,"###;

fn text(value: &str) -> Text {
    Text { data: value.as_ptr().cast(), size: value.len() }
}

unsafe fn take(error: *mut c_char) -> String {
    let message = CStr::from_ptr(error).to_str().unwrap().to_string();
    ns_tokenizer_string_free(error);
    message
}

struct Loaded(*mut Handle);
unsafe impl Sync for Loaded {}
impl Drop for Loaded {
    fn drop(&mut self) {
        unsafe { ns_tokenizer_free(self.0) }
    }
}

fn load(json: &str) -> Loaded {
    let mut handle = null_mut();
    let code = unsafe { ns_tokenizer_from_bytes(json.as_ptr().cast(), json.len(), &mut handle, null_mut()) };
    assert_eq!(code, Code::Ok);
    Loaded(handle)
}

type Rows = Vec<(Vec<i64>, Vec<i64>)>;

impl Loaded {
    fn try_encode(&self, texts: &[Text], pairs: Option<&[Text]>, options: EncodeOptions) -> Result<Rows, (Code, String)> {
        let (mut encodings, mut error) = (null_mut(), null_mut());
        let pairs = pairs.map_or(null(), |pairs| pairs.as_ptr());
        unsafe {
            let code = ns_tokenizer_encode(self.0, texts.as_ptr(), pairs, texts.len(), &options, &mut encodings, &mut error);
            if code != Code::Ok {
                assert!(encodings.is_null());
                return Err((code, take(error)));
            }
            let view = &*encodings;
            assert_eq!(view.count, texts.len());
            let offsets = std::slice::from_raw_parts(view.offsets, view.count + 1);
            let row = |all: *const i64, r: usize| {
                std::slice::from_raw_parts(all.add(offsets[r]), offsets[r + 1] - offsets[r]).to_vec()
            };
            let rows = (0..view.count).map(|r| (row(view.ids, r), row(view.type_ids, r))).collect();
            ns_encodings_free(encodings);
            Ok(rows)
        }
    }

    fn encode(&self, texts: &[&str], pairs: Option<&[&str]>, max_length: usize, special: bool) -> Rows {
        let texts: Vec<Text> = texts.iter().map(|value| text(value)).collect();
        let pairs: Option<Vec<Text>> = pairs.map(|pairs| pairs.iter().map(|value| text(value)).collect());
        let options = EncodeOptions { max_length, add_special_tokens: special.into() };
        self.try_encode(&texts, pairs.as_deref(), options).unwrap()
    }
}

#[test]
fn encodes_words_worked_out_by_hand() {
    let tokenizer = load(&bert_json(true, PLAIN));
    // [CLS] the cat ##s sat . [SEP]; an empty text; an unknown word; a NUL byte, which BERT's normalizer drops
    let rows = tokenizer.encode(&["The cats sat.", "", "dog", "a\0 mat"], None, 0, true);
    assert_eq!(rows[0], (vec![2, 4, 5, 9, 6, 12, 3], vec![0; 7]));
    assert_eq!(rows[1], (vec![2, 3], vec![0; 2]));
    assert_eq!(rows[2], (vec![2, 1, 3], vec![0; 3]));
    assert_eq!(rows[3], (vec![2, 10, 8, 3], vec![0; 4]));
    assert_eq!(tokenizer.encode(&["ÜBER"], None, 0, false)[0], (vec![15], vec![0]));
    assert_eq!(tokenizer.encode(&[], None, 0, true), Rows::new());
}

#[test]
fn encodes_pairs_and_cuts_the_longer_first() {
    let tokenizer = load(&bert_json(true, PLAIN));
    let rows = tokenizer.encode(&["a cat"], Some(&["the mat"]), 0, true);
    assert_eq!(rows[0], (vec![2, 10, 5, 3, 4, 8, 3], vec![0, 0, 0, 0, 1, 1, 1]));
    // 3 special tokens leave 3: of 1 + 5 tokens the second text loses 3
    let rows = tokenizer.encode(&["a"], Some(&["the cat sat on mat"]), 6, true);
    assert_eq!(rows[0], (vec![2, 10, 3, 4, 5, 3], vec![0, 0, 0, 1, 1, 1]));
}

#[test]
fn agrees_with_the_crate_at_every_limit() {
    let texts = ["", "a", "the cat sat on the mat, the cats sat", "über über cat", "dog. the, cat"];
    for (post_processor, direction) in
        [(true, TruncationDirection::Right), (true, TruncationDirection::Left), (false, TruncationDirection::Right)]
    {
        let section = format!(
            r#""truncation": {{"direction": "{}", "max_length": 512, "strategy": "LongestFirst", "stride": 0}}, "padding": null,"#,
            if direction == TruncationDirection::Left { "Left" } else { "Right" }
        );
        let json = bert_json(post_processor, &section);
        let ours = load(&json);
        for max_length in 3..16 {
            let mut theirs = Tokenizer::from_bytes(json.as_bytes()).unwrap();
            theirs.with_truncation(Some(TruncationParams { max_length, direction, ..Default::default() })).unwrap();
            for special in [true, false] {
                for a in texts {
                    let expected = theirs.encode(a, special).unwrap();
                    let expected: (Vec<u32>, Vec<u32>) = (expected.get_ids().into(), expected.get_type_ids().into());
                    let (ids, type_ids) = ours.encode(&[a], None, max_length, special).remove(0);
                    assert_eq!((to_u32(ids), to_u32(type_ids)), expected, "'{a}' {max_length} {special}");
                    for b in texts {
                        let expected = theirs.encode((a, b), special).unwrap();
                        let expected: (Vec<u32>, Vec<u32>) = (expected.get_ids().into(), expected.get_type_ids().into());
                        let (ids, type_ids) = ours.encode(&[a], Some(&[b]), max_length, special).remove(0);
                        assert_eq!((to_u32(ids), to_u32(type_ids)), expected, "'{a}' '{b}' {max_length} {special}");
                    }
                }
            }
        }
    }
}

fn to_u32(values: Vec<i64>) -> Vec<u32> {
    values.into_iter().map(|value| value.try_into().unwrap()).collect()
}

#[test]
fn ignores_the_padding_and_truncation_of_the_file_but_tells_them() {
    let tokenizer = load(&bert_json(true, PADDED));
    // of the file's truncation only the side counts: 6 tokens, the last of the text kept
    assert_eq!(tokenizer.encode(&["the cat sat on a mat"], None, 6, true)[0].0, vec![2, 6, 7, 10, 8, 3]);
    assert_eq!(tokenizer.encode(&["the cat sat on a mat"], None, 0, true)[0].0.len(), 8);
    let mut padding = Padding { id: 0, type_id: 0, side: 0 };
    assert_eq!(unsafe { ns_tokenizer_padding(tokenizer.0, &mut padding) }, 1);
    assert_eq!((padding.id, padding.type_id, padding.side), (7, 2, 1));
    assert_eq!(unsafe { ns_tokenizer_padding(load(&bert_json(true, PLAIN)).0, &mut padding) }, 0);
}

#[test]
fn names_the_row_of_a_bad_text() {
    let tokenizer = load(&bert_json(true, PLAIN));
    let bad = Text { data: b"ab\xff".as_ptr().cast(), size: 3 };
    let options = || EncodeOptions { max_length: 0, add_special_tokens: 1 };
    let failed = tokenizer.try_encode(&[text("a"), bad], None, options()).unwrap_err();
    assert_eq!(failed, (Code::InvalidArgument, "row 1: the text isn't UTF-8 at byte 2".into()));
    let failed = tokenizer.try_encode(&[text("a")], Some(&[bad]), options()).unwrap_err();
    assert_eq!(failed, (Code::InvalidArgument, "row 0: the second text isn't UTF-8 at byte 2".into()));
    let absent = Text { data: null(), size: 0 };
    assert_eq!(tokenizer.try_encode(&[absent], None, options()).unwrap()[0].0, vec![2, 3]);
}

#[test]
fn refuses_a_limit_below_the_special_tokens() {
    let tokenizer = load(&bert_json(true, PLAIN));
    let options = EncodeOptions { max_length: 1, add_special_tokens: 1 };
    let failed = tokenizer.try_encode(&[text("a")], None, options).unwrap_err();
    assert_eq!(failed, (Code::InvalidArgument, "row 0: max_length is 1, the special tokens alone are 2".into()));
    assert_eq!(tokenizer.encode(&["a cat"], None, 2, true)[0].0, vec![2, 3]);
}

#[test]
fn refuses_what_is_no_tokenizer() {
    for json in ["", "{", "{}", "[]", "\u{0}", r#"{"version": "9.0"}"#] {
        let (mut handle, mut error) = (null_mut(), null_mut());
        unsafe {
            let code = ns_tokenizer_from_bytes(json.as_ptr().cast(), json.len(), &mut handle, &mut error);
            assert_eq!(code, Code::InvalidArgument, "{json}");
            assert!(handle.is_null());
            assert!(take(error).starts_with("not a tokenizer.json: "));
            assert_eq!(ns_tokenizer_from_bytes(json.as_ptr().cast(), json.len(), &mut handle, null_mut()), code);
        }
    }
    let (mut handle, mut error) = (null_mut(), null_mut());
    unsafe {
        let path = c"/nonexistent/tokenizer.json";
        assert_eq!(ns_tokenizer_from_file(path.as_ptr(), &mut handle, &mut error), Code::NotFound);
        assert!(take(error).contains("/nonexistent/tokenizer.json"));
    }
}

#[test]
fn a_panic_becomes_an_error() {
    let mut error = null_mut();
    unsafe {
        assert_eq!(guard(&mut error, || panic!("row {}", 3)), Code::Internal);
        assert_eq!(take(error), "the tokenizers library failed: row 3");
        assert_eq!(guard(null_mut(), || panic!("no one asks")), Code::Internal);
    }
    assert_eq!(guard_value(5, || panic!()), 5);
}

#[test]
fn finds_tokens() {
    let tokenizer = load(&bert_json(true, PLAIN));
    let mut id = -1;
    unsafe {
        assert_eq!(ns_tokenizer_token_to_id(tokenizer.0, text("[SEP]"), &mut id), 1);
        assert_eq!(id, 3);
        assert_eq!(ns_tokenizer_token_to_id(tokenizer.0, text("absent"), &mut id), 0);
        assert_eq!(ns_tokenizer_token_to_id(tokenizer.0, Text { data: b"\xff".as_ptr().cast(), size: 1 }, &mut id), 0);
        assert_eq!(id, 3);
        assert_eq!(ns_tokenizer_vocabulary_size(tokenizer.0), VOCABULARY.len());
        ns_tokenizer_free(null_mut());
        ns_encodings_free(null_mut());
        ns_tokenizer_string_free(null_mut());
    }
}

#[test]
fn threads_share_a_tokenizer() {
    let tokenizer = load(&bert_json(true, PLAIN));
    let words = "the cat sat on a mat ".repeat(8);
    std::thread::scope(|scope| {
        for limit in 2..10 {
            let (tokenizer, words) = (&tokenizer, words.as_str());
            scope.spawn(move || {
                for _ in 0..200 {
                    assert_eq!(tokenizer.encode(&[words, "a"], None, limit, true)[0].0.len(), limit);
                }
            });
        }
    });
}

#[test]
fn version_is_the_one_built() {
    let version = unsafe { CStr::from_ptr(ns_tokenizer_library_version()) }.to_str().unwrap();
    assert!(include_str!("../Cargo.toml").contains(&format!("tokenizers = {{ version = \"={version}\"")));
}
