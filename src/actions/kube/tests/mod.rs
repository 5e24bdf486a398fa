//! What each action does with a server that says set things.
