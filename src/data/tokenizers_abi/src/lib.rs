//! The functions of `tokenizers_abi.h`; what each of them promises is said there.
//!
//! A loaded tokenizer is kept in two parts, the tokenizer without its post-processor and the post-processor, so that the length limit can
//! be an argument of each call: `Tokenizer` holds it as state, which threads with different limits would have to lock.

use std::any::Any;
use std::ffi::{c_char, c_int, CStr, CString};
use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};
use std::sync::Once;

use tokenizers::utils::parallelism::set_parallelism;
use tokenizers::{
    truncate_encodings, Encoding, PaddingDirection, PaddingParams, PostProcessor, PostProcessorWrapper,
    Tokenizer, TruncationDirection, TruncationParams, TruncationStrategy,
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
    tokenizer: Tokenizer, // no post-processor, truncation or padding
    post_processor: Option<PostProcessorWrapper>,
    truncation_direction: TruncationDirection,
    padding: Option<PaddingParams>,
}

struct Failure {
    code: Code,
    message: String,
}

fn failure<T>(code: Code, message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure { code, message: message.into() })
}

impl Handle {
    fn new(mut tokenizer: Tokenizer) -> Self {
        let post_processor = tokenizer.get_post_processor().cloned();
        let truncation_direction =
            tokenizer.get_truncation().map(|truncation| truncation.direction).unwrap_or_default();
        let padding = tokenizer.get_padding().cloned();
        tokenizer.with_post_processor(None::<PostProcessorWrapper>);
        tokenizer.with_padding(None);
        if let Err(error) = tokenizer.with_truncation(None) {
            unreachable!("removing the truncation failed: {error}");
        }
        Handle { tokenizer, post_processor, truncation_direction, padding }
    }

    fn parse(json: &[u8]) -> Result<Self, Failure> {
        match Tokenizer::from_bytes(json) {
            Ok(tokenizer) => Ok(Self::new(tokenizer)),
            Err(error) => failure(Code::InvalidArgument, format!("not a tokenizer.json: {error}")),
        }
    }

    /// What `TokenizerImpl::encode` does, with the limit as an argument.
    fn encode(&self, text: &str, pair: Option<&str>, options: &EncodeOptions) -> Result<Encoding, Failure> {
        let add_special_tokens = options.add_special_tokens != 0;
        let raw = |text: &str| {
            self.tokenizer
                .encode_fast(text, false)
                .or_else(|error| failure(Code::InvalidArgument, error.to_string()))
        };
        let mut first = raw(text)?;
        let mut second = pair.map(raw).transpose()?;
        if let Some(second) = second.as_mut() {
            second.set_type_ids(vec![1; second.len()]);
        }

        if options.max_length > 0 {
            let added = match &self.post_processor {
                Some(processor) if add_special_tokens => processor.added_tokens(second.is_some()),
                _ => 0,
            };
            if options.max_length < added {
                return failure(
                    Code::InvalidArgument,
                    format!("max_length is {}, the special tokens alone are {added}", options.max_length),
                );
            }
            let params = TruncationParams {
                max_length: options.max_length - added,
                strategy: TruncationStrategy::LongestFirst,
                stride: 0,
                direction: self.truncation_direction,
            };
            (first, second) = truncate_encodings(first, second, &params)
                .or_else(|error| failure(Code::InvalidArgument, error.to_string()))?;
            first.take_overflowing(); // the rest of a long text: nobody asks for it
            if let Some(second) = second.as_mut() {
                second.take_overflowing();
            }
        }

        match &self.post_processor {
            Some(processor) => processor.process(first, second, add_special_tokens),
            None => {
                let parts = std::iter::once(first).chain(second).collect();
                <dyn PostProcessor>::default_process(parts, add_special_tokens)
                    .map(|parts| Encoding::merge(parts, false))
            }
        }
        .or_else(|error| failure(Code::InvalidArgument, error.to_string()))
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
            .and_then(|token| (*tokenizer).tokenizer.token_to_id(token));
        if let Some(found) = found {
            *id = i64::from(found);
        }
        c_int::from(found.is_some())
    })
}

#[no_mangle]
pub unsafe extern "C" fn ns_tokenizer_vocabulary_size(tokenizer: *const Handle) -> usize {
    guard_value(0, || (*tokenizer).tokenizer.get_vocab_size(true))
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
