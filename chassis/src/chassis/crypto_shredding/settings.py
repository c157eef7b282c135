"""The wrapping keys of a service: those it uses, and those that open besides during a rotation."""

from pydantic import Field

from chassis.settings import Key32, Keys32, ServiceSettings


class MasterKeySettings(ServiceSettings):
    """Of a service that seals text."""

    master_key: Key32 = Field(description="wraps the keys of what people write, base64url of 32 bytes")
    master_keys_before: Keys32 = Field(
        default=(), description="master keys that open besides, with commas between them"
    )


class SealingSettings(MasterKeySettings):
    """Of a service whose keys others read."""

    readers_key: Key32 = Field(description="wraps those keys for their readers, base64url of 32 bytes")


class OpeningSettings(MasterKeySettings):
    """Of a service that opens what others sealed, and seals for itself alone."""

    readers_key: Key32 = Field(description="opens the keys that are published, base64url of 32 bytes")
    readers_keys_before: Keys32 = Field(
        default=(), description="readers' keys that open besides, with commas between them"
    )
