import pytest

# Before its first import, so that a story that goes differently shows how.
pytest.register_assert_rewrite("tests.stories.story")
