package sipua_test

const resumeEnv = "TIERLINE_TEST_RESUME"

func resumeChild() {}
