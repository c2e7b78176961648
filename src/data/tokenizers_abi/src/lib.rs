//! The functions of `tokenizers_abi.h`; what each of them promises is said there.
//!
//! The length limit is an argument of each call here and state of the tokenizer in the crate: so a lock guards it, which threads
//! with one limit share. (Cutting after the fact, without that state, would differ: since 0.23 the limit already acts while a text is
//! tokenized, which decides how the tokens of a long pair are shared out.)

use std::any::Any;
use std::ffi::{c_char, c_int, CStr, CString};
use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};
use std::sync::{Once, PoisonError, RwLock, RwLockReadGuard};

use tokenizers::utils::parallelism::set_parallelism;
use tokenizers::{
    Encoding, PaddingDirection, PaddingParams, PostProcessor, Tokenizer, TruncationParams, TruncationStrategy,
};

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Ok = 0,
    InvalidArgument = 3,
    NotFound = 5,
    Internal = 13,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    data: *const c_char,
    size: usize,
}

#[repr(C)]
pub struct EncodeOptions {
    max_length: usize,
    add_special_tokens: c_int,
}

/// What the caller sees of `OwnedEncodings`.
#[repr(C)]
pub struct Encodings {
    count: usize,
    offsets: *const usize,
    ids: *const i64,
    type_ids: *const i64,
}

/// `view` is first, so that the caller's `Encodings*` is also the pointer to free.
#[repr(C)]
struct OwnedEncodings {
    view: Encodings,
    offsets: Vec<usize>,
    ids: Vec<i64>,
    type_ids: Vec<i64>,
}

#[repr(C)]
pub struct Padding {
    id: i64,
    type_id: i64,
    side: c_int,
}

pub struct Handle {
    tokenizer: RwLock<Tokenizer>, // always with a truncation, NO_LIMIT or the last call's limit; never with padding
    padding: Option<PaddingParams>,
}

const NO_LIMIT: usize = usize::MAX;

struct Failure {
    code: Code,
    message: String,
}

fn failure<T>(code: Code, message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure { code, message: message.into() })
}

fn refuse(error: tokenizers::Error) -> Failure {
    Failure { code: Code::InvalidArgument, message: error.to_string() }
}

fn encode(tokenizer: &Tokenizer, text: &str, pair: Option<&str>, special: bool) -> Result<Encoding, Failure> {
    match pair {
        // encode_fast computes no offsets; nor, without a post-processor, the second text's type ids
        Some(pair) if tokenizer.get_post_processor().is_none() => tokenizer.encode((text, pair), special),
        Some(pair) => tokenizer.encode_fast((text, pair), special),
        None => tokenizer.encode_fast(text, special),
    }
    .map_err(refuse)
}

impl Handle {
    fn parse(json: &[u8]) -> Result<Self, Failure> {
        let mut tokenizer = match Tokenizer::from_bytes(json) {
            Ok(tokenizer) => tokenizer,
            Err(error) => return failure(Code::InvalidArgument, format!("not a tokenizer.json: {error}")),
        };
        let padding = tokenizer.get_padding().cloned();
        let direction = tokenizer.get_truncation().map(|truncation| truncation.direction).unwrap_or_default();
        let truncation = TruncationParams {
            max_length: NO_LIMIT,
            strategy: TruncationStrategy::LongestFirst,
            stride: 0,
            direction,
        };
        tokenizer.with_padding(None).with_truncation(Some(truncation)).map_err(refuse)?;
        Ok(Handle { tokenizer: RwLock::new(tokenizer), padding })
    }

    /// The tokenizer for reading. A panic elsewhere doesn't leave it half changed: only the limit ever changes.
    fn read(&self) -> RwLockReadGuard<'_, Tokenizer> {
        self.tokenizer.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn encode(&self, text: &str, pair: Option<&str>, options: &EncodeOptions) -> Result<Encoding, Failure> {
        let special = options.add_special_tokens != 0;
        let limit = if options.max_length == 0 { NO_LIMIT } else { options.max_length };

        let tokenizer = self.read();
        if special {
            // the crate would subtract them from the limit without a look
            let added = tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(pair.is_some()));
            if limit < added {
                let message = format!("max_length is {limit}, the special tokens alone are {added}");
                return failure(Code::InvalidArgument, message);
            }
        }
        if tokenizer.get_truncation().is_some_and(|truncation| truncation.max_length == limit) {
            return encode(&tokenizer, text, pair, special);
        }
        drop(tokenizer);

        let mut tokenizer = self.tokenizer.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(truncation) = tokenizer.get_truncation_mut() {
            truncation.max_length = limit;
        }
        encode(&tokenizer, text, pair, special)
    }
}

impl OwnedEncodings {
    fn new() -> Self {
        let view = Encodings {
            count: 0,
            offsets: std::ptr::null(),
            ids: std::ptr::null(),
            type_ids: std::ptr::null(),
        };
        OwnedEncodings { view, offsets: vec![0], ids: Vec::new(), type_ids: Vec::new() }
    }

    fn push(&mut self, encoding: &Encoding) {
        self.ids.extend(encoding.get_ids().iter().map(|&id| i64::from(id)));
        self.type_ids.extend(encoding.get_type_ids().iter().map(|&id| i64::from(id)));
        self.offsets.push(self.ids.len());
    }

    fn into_raw(mut self) -> *mut Encodings {
        self.view = Encodings {
            count: self.offsets.len() - 1,
            offsets: self.offsets.as_ptr(),
            ids: self.ids.as_ptr(),
            type_ids: self.type_ids.as_ptr(),
        };
        Box::into_raw(Box::new(self)).cast()
    }
}

/// The bytes at `data`; NULL is the empty text.
unsafe fn bytes<'a>(data: *const c_char, size: usize) -> &'a [u8] {
    if data.is_null() || size == 0 {
        return &[];
    }
    std::slice::from_raw_parts(data.cast(), size)
}

unsafe fn utf8<'a>(text: Text, row: usize, which: &str) -> Result<&'a str, Failure> {
    match std::str::from_utf8(bytes(text.data, text.size)) {
        Ok(text) => Ok(text),
        Err(error) => {
            let at = error.valid_up_to();
            failure(Code::InvalidArgument, format!("row {row}: the {which} isn't UTF-8 at byte {at}"))
        }
    }
}

fn panic_message(payload: Box<dyn Any + Send>) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| text.to_string())
        .or_else(|| payload.downcast_ref::<String>().cloned());
    format!("the tokenizers library failed: {}", text.unwrap_or_else(|| "no message".into()))
}

/// Runs `work`, and makes of its failure or panic the code and the message that the caller gets.
unsafe fn guard(error: *mut *mut c_char, work: impl FnOnce() -> Result<(), Failure>) -> Code {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        set_parallelism(false);
        if !cfg!(test) {
            set_hook(Box::new(|_| {})); // the caller gets the message; it doesn't belong on stderr
        }
    });
    let failed = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return Code::Ok,
        Ok(Err(failed)) => failed,
        Err(payload) => Failure { code: Code::Internal, message: panic_message(payload) },
    };
    if !error.is_null() {
        let message = CString::new(failed.message.replace('\0', "\u{fffd}")).unwrap_or_default();
        *error = message.into_raw();
    }
    failed.code
}

/// `work`, or `otherwise` where it panics.
fn guard_value<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

#[no_mangle]
pub unsafe extern "C" fn ns_tokenizer_from_file(
    path: *const c_char,
    tokenizer: *mut *mut Handle,
    error: *mut *mut c_char,
) -> Code {
    guard(error, || {
        use std::os::unix::ffi::OsStrExt;
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(CStr::from_ptr(path).to_bytes()));
        let json = match std::fs::read(path) {
            Ok(json) => json,
            Err(error) => return failure(Code::NotFound, format!("can't read '{}': {error}", path.display())),
        };
        *tokenizer = Box::into_raw(Box::new(Handle::parse(&json)?));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn ns_tokenizer_from_bytes(
    data: *const c_char,
    size: usize,
    tokenizer: *mut *mut Handle,
    error: *mut *mut c_char,
) -> Code {
    guard(error, || {
        *tokenizer = Box::into_raw(Box::new(Handle::parse(bytes(data, size))?));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn ns_tokenizer_free(tokenizer: *mut Handle) {
    if !tokenizer.is_null() {
        guard_value((), || drop(Box::from_raw(tokenizer)));
    }
}

#[no_mangle]
pub unsafe extern "C" fn ns_tokenizer_encode(
    tokenizer: *const Handle,
    texts: *const Text,
    pairs: *const Text,
    count: usize,
    options: *const EncodeOptions,
    encodings: *mut *mut Encodings,
    error: *mut *mut c_char,
) -> Code {
    guard(error, || {
        let (tokenizer, options) = (&*tokenizer, &*options);
        let mut result = OwnedEncodings::new();
        for row in 0..count {
            let text = utf8(*texts.add(row), row, "text")?;
            let pair = if pairs.is_null() { None } else { Some(utf8(*pairs.add(row), row, "second text")?) };
            let encoding = tokenizer
                .encode(text, pair, options)
                .or_else(|failed| failure(failed.code, format!("row {row}: {}", failed.message)))?;
            result.push(&encoding);
        }
        *encodings = result.into_raw();
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn ns_encodings_free(encodings: *mut Encodings) {
    if !encodings.is_null() {
        guard_value((), || drop(Box::from_raw(encodings.cast::<OwnedEncodings>())));
    }
}

#[no_mangle]
pub unsafe extern "C" fn ns_tokenizer_token_to_id(tokenizer: *const Handle, token: Text, id: *mut i64) -> c_int {
    guard_value(0, || {
        let found = std::str::from_utf8(bytes(token.data, token.size))
            .ok()
            .and_then(|token| (*tokenizer).read().token_to_id(token));
        if let Some(found) = found {
            *id = i64::from(found);
        }
        c_int::from(found.is_some())
    })
}

#[no_mangle]
pub unsafe extern "C" fn ns_tokenizer_vocabulary_size(tokenizer: *const Handle) -> usize {
    guard_value(0, || (*tokenizer).read().get_vocab_size(true))
}

#[no_mangle]
pub unsafe extern "C" fn ns_tokenizer_padding(tokenizer: *const Handle, padding: *mut Padding) -> c_int {
    let Some(params) = &(*tokenizer).padding else { return 0 };
    *padding = Padding {
        id: i64::from(params.pad_id),
        type_id: i64::from(params.pad_type_id),
        side: c_int::from(matches!(params.direction, PaddingDirection::Left)),
    };
    1
}

#[no_mangle]
pub extern "C" fn ns_tokenizer_library_version() -> *const c_char {
    c"0.23.2".as_ptr() // as in Cargo.toml; a test compares them
}

#[no_mangle]
pub unsafe extern "C" fn ns_tokenizer_string_free(string: *mut c_char) {
    if !string.is_null() {
        drop(CString::from_raw(string));
    }
}

#[cfg(test)]
mod tests;
