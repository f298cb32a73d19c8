//! A bucket: the site's, or the one files for import are dropped in.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use aws_sdk_s3::primitives::ByteStream;

use super::SiteFile;

/// A bucket operation failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed: {cause}")]
pub struct BucketError {
    operation: &'static str,
    cause: String,
}

/// What a bounded read found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bounded {
    /// The whole object.
    Whole {
        /// Its content.
        bytes: Vec<u8>,
        /// Which object it is.
        tag: Tag,
    },
    /// An object larger than the bound, left unread.
    TooLarge,
    /// No object.
    Absent,
}

/// Which object a replacement replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    /// None.
    Absent,
    /// The one with this entity tag.
    Is(String),
}

/// One bucket, by name.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    /// The bucket `name`.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
        }
    }

    /// The object's bytes; `None` where there is none.
    ///
    /// # Errors
    /// [`BucketError`] when the bucket cannot be read.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, BucketError> {
        Ok(match self.get_at_most(key, u64::MAX).await? {
            Bounded::Whole { bytes, .. } => Some(bytes),
            Bounded::TooLarge | Bounded::Absent => None,
        })
    }

    /// The object's bytes, unless there are more than `most`.
    ///
    /// # Errors
    /// [`BucketError`] when the bucket cannot be read.
    pub async fn get_at_most(&self, key: &str, most: u64) -> Result<Bounded, BucketError> {
        let fault = |cause: String| BucketError {
            operation: "read object",
            cause,
        };
        let object = match self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .send()
            .await
        {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => {
                return Ok(Bounded::Absent);
            }
            Err(error) => return Err(fault(DisplayErrorContext(error).to_string())),
        };
        let length = object.content_length().and_then(|n| u64::try_from(n).ok());
        if length.is_some_and(|length| length > most) {
            return Ok(Bounded::TooLarge);
        }
        let tag = Tag::Is(object.e_tag().unwrap_or_default().to_owned());
        let (mut body, mut bytes) = (object.body, Vec::new());
        while let Some(chunk) = body.try_next().await.map_err(|e| fault(e.to_string()))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > most {
                return Ok(Bounded::TooLarge);
            }
        }
        Ok(Bounded::Whole { bytes, tag })
    }

    /// The object's bytes and its tag; `None` where there is none.
    ///
    /// # Errors
    /// [`BucketError`] when the bucket cannot be read.
    pub async fn get_tagged(&self, key: &str) -> Result<Option<(Vec<u8>, Tag)>, BucketError> {
        Ok(match self.get_at_most(key, u64::MAX).await? {
            Bounded::Whole { bytes, tag } => Some((bytes, tag)),
            Bounded::TooLarge | Bounded::Absent => None,
        })
    }

    /// Deletes the object, if it is still the one with `tag`; whether it was.
    ///
    /// # Errors
    /// [`BucketError`] when the bucket cannot be written.
    pub async fn delete(&self, key: &str, tag: &Tag) -> Result<bool, BucketError> {
        let Tag::Is(tag) = tag else { return Ok(false) };
        let delete = self.client.delete_object().bucket(&self.name).key(key);
        match delete.if_match(tag).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_another(&error, &[404, 409, 412]) => Ok(false),
            Err(error) => Err(BucketError {
                operation: "delete object",
                cause: DisplayErrorContext(error).to_string(),
            }),
        }
    }

    /// Writes a file of the site, if the object it replaces is still the one with `tag`; whether it was.
    ///
    /// # Errors
    /// [`BucketError`] when the bucket cannot be written.
    pub async fn replace_file(&self, file: SiteFile, tag: &Tag) -> Result<bool, BucketError> {
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(file.key())
            .content_type(file.content_type)
            .cache_control(file.cache.header());
        let put = match tag {
            Tag::Absent => put.if_none_match("*"),
            Tag::Is(tag) => put.if_match(tag),
        };
        match put.body(ByteStream::from(file.bytes)).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_another(&error, &[409, 412]) => Ok(false),
            Err(error) => Err(BucketError {
                operation: "replace object",
                cause: DisplayErrorContext(error).to_string(),
            }),
        }
    }

    /// Writes bytes under `key`.
    ///
    /// # Errors
    /// [`BucketError`] when the bucket cannot be written.
    pub async fn put(
        &self,
        key: &str,
        content_type: &str,
        cache: &str,
        bytes: Vec<u8>,
    ) -> Result<(), BucketError> {
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type)
            .cache_control(cache);
        put.body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| BucketError {
                operation: "write object",
                cause: DisplayErrorContext(error).to_string(),
            })?;
        Ok(())
    }

    /// Writes a file of the site.
    ///
    /// # Errors
    /// [`BucketError`] when the bucket cannot be written.
    pub async fn put_file(&self, file: SiteFile) -> Result<(), BucketError> {
        self.put(
            &file.key(),
            file.content_type,
            file.cache.header(),
            file.bytes,
        )
        .await
    }
}

/// Whether a condition failed: 412 when it is another object, 409 while another one is being written, 404 when it is gone.
fn is_another<E>(error: &SdkError<E>, statuses: &[u16]) -> bool {
    let response = error.raw_response();
    response.is_some_and(|response| statuses.contains(&response.status().as_u16()))
}
