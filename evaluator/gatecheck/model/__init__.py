"""The nouns: request and decision, frozen, with their JSON form, their schemas and their canonical bytes."""
